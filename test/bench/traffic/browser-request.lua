-- For wrk: the request that a browser makes when somebody follows a link, 12 fields in the order in which it sends them. It is
-- built once and sent as it is; a table of headers, wrk's other way, would have no order.
local fields = {
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'Upgrade-Insecure-Requests: 1',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
  'Referer: http://spells.example.com/catalogue?school=evocation&level=3',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7',
  'Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; _ga=GA1.1.1203480917.1726041600; consent=necessary%2Cstatistics',
}

function wrk.init()
  local host = 'Host: ' .. wrk.host .. ':' .. wrk.port
  local request = 'GET ' .. wrk.path .. ' HTTP/1.1\r\n' .. host .. '\r\n' .. table.concat(fields, '\r\n') .. '\r\n\r\n'
  wrk.request = function() return request end
end
