/**
 * A self-signed certificate for `localhost`, for tests alone: its key is published here and protects nothing. It is kept as
 * text so that the tests need no tool to make one; it ends in a hundred years.
 *
 *     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 \
 *       -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem
 */
export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgz6L8VG0GG+VsVnqg
wCoWgefZ7NnLtQw/m2ovo724+KWhRANCAATghFPk7jroI3rx2YFcAFw6TaH3DiMZ
O6G4jNGoIpMAJwvKk/ywiZ4Cvj+ns5CZ2dBmSbVDMk/T+fWdgZyXESMp
-----END PRIVATE KEY-----
`;

export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUSdrA3t24ugFwmnK/soHghFSYrMIwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA0MTYyOVoYDzIxMjYxMDI4
MDQxNjI5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATghFPk7jroI3rx2YFcAFw6TaH3DiMZO6G4jNGoIpMAJwvKk/ywiZ4C
vj+ns5CZ2dBmSbVDMk/T+fWdgZyXESMpo2kwZzAdBgNVHQ4EFgQULlx4VtJfT+dc
/m+VOpxU6lL9s6EwHwYDVR0jBBgwFoAULlx4VtJfT+dc/m+VOpxU6lL9s6EwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhAJb5I/OdlpyPzsrPB2TUQ9h3q9MLdAIBUU7NWVTFC2+EAiEAilTylOhF
DQ45CIvBNzKAoT4LNda8Zzz6pRAqziG2gBU=
-----END CERTIFICATE-----
`;
