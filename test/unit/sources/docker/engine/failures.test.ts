import { expect, test } from "vitest";
import { unavailable } from "../../../../../src/sources/docker/engine/failures.ts";
import { parseDockerHost } from "../../../../../src/sources/docker/engine/host.ts";

const unix = parseDockerHost({ host: "unix:///var/run/docker.sock", tlsVerify: false });
const tls = parseDockerHost({ host: "tcp://10.0.0.3:2376", tlsVerify: true });

test.each([
  [unix, "EACCES", /permission denied/, /docker/],
  [unix, "ENOENT", /there is no such socket/, /mount the socket/],
  [unix, "ECONNREFUSED", /connection refused/, /start Docker/],
  [unix, "ENOTSOCK", /is no socket/, /DOCKER_HOST/],
  [tls, "ECONNREFUSED", /connection refused/, /is the engine running/],
  [tls, "ENOTFOUND", /host name cannot be resolved/, /DNS/],
  [tls, "EHOSTUNREACH", /cannot be reached/, /firewall/],
  [tls, "CERT_HAS_EXPIRED", /TLS: x/, /clock/],
  [tls, "ERR_TLS_CERT_ALTNAME_INVALID", /TLS: x/, /by a name/],
  [tls, "SELF_SIGNED_CERT_IN_CHAIN", /TLS: x/, /ca\.pem/],
  [tls, "UNABLE_TO_VERIFY_LEAF_SIGNATURE", /TLS: x/, /ca\.pem/],
  [tls, "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", /TLS: x/, /client certificate/],
  [tls, "ERR_SSL_WRONG_VERSION_NUMBER", /TLS: x/, /does not speak TLS/],
  [tls, "ERR_OSSL_PEM_NO_START_LINE", /TLS: x/, /look at ca\.pem/],
])("%o %s is told with what to do", (endpoint, code, message, hint) => {
  const error = unavailable(endpoint, "list the containers", Object.assign(new Error("x"), { code }));
  expect(error).toMatchObject({ code: "SOURCE_UNAVAILABLE", retryable: true });
  expect(error.message).toMatch(message);
  expect(error.message).toContain(`of Docker at ${endpoint.name}: `);
  expect(error.hint).toMatch(hint);
});
