-- For wrk: a POST of 64 KiB.
wrk.method = 'POST'
wrk.headers['Content-Type'] = 'application/octet-stream'
wrk.body = string.rep('m', 65536)
