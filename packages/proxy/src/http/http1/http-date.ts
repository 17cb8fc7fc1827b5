/** The time as a Date field has it (RFC 9110, 5.6.7), made at most once a second. */
let second = 0;
let text = '';

export function httpDate(): string {
  const nowMs = Date.now();
  const nowSecond = Math.floor(nowMs / 1_000);
  if (nowSecond !== second) {
    second = nowSecond;
    text = new Date(nowMs).toUTCString();
  }
  return text;
}
