/**
 * A self-signed certificate of a NATS server on this machine, which its clients show as well: for tests alone, since its key is
 * published here and protects nothing. It is kept as text so that the tests need no tool to make one; it ends in a hundred years.
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
 *       -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out certificate.pem
 */
export const NATS_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/U0545M6jgqXzKqw
yupfNEuFj2SMO0uT9yc9DEW7zIGhRANCAATQ+0GaXYjIBkaJCirxQpPlntve59o+
AO2YzYT7p2TIkVa5M1n4ZiO/ZOciLk6gKqsoJPvjO2GYiNFv1wgJiR/7
-----END PRIVATE KEY-----
`;

export const NATS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUUP91Eh/yNiG72S3KeQSATUxCxWEwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA1NTAzNVoYDzIxMjYxMDI4
MDU1MDM1WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATQ+0GaXYjIBkaJCirxQpPlntve59o+AO2YzYT7p2TIkVa5M1n4ZiO/
ZOciLk6gKqsoJPvjO2GYiNFv1wgJiR/7o28wbTAdBgNVHQ4EFgQUw4oCGHWiu4+S
OPWrFEWlc0KxRIUwHwYDVR0jBBgwFoAUw4oCGHWiu4+SOPWrFEWlc0KxRIUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgBk/NUzc7fVHmFP+aKJ04dh4qDJdWIsJ/pUHttBLySp0CIGhS
qTMWfQJkMW8rgQbSGcWZyXCnmtWlOxA4IoWVjmwn
-----END CERTIFICATE-----
`;
