import { expect, test } from "vitest";
import { chooseDockerHost, parseDockerHost } from "../../../../../src/sources/docker/engine/host.ts";

const SOCKET = "unix:///var/run/docker.sock";

test.each([
  ["nothing is set", {}, {}, { host: SOCKET, tlsVerify: false }],
  ["an empty variable is not set", {}, { DOCKER_HOST: "", DOCKER_TLS_VERIFY: "" }, { host: SOCKET, tlsVerify: false }],
  ["the environment", {}, { DOCKER_HOST: "tcp://a:1" }, { host: "tcp://a:1", tlsVerify: false }],
  ["a setting beats it", { host: "tcp://b:2" }, { DOCKER_HOST: "tcp://a:1" }, { host: "tcp://b:2", tlsVerify: false }],
  [
    "certificates of the environment are not verified unless it says so",
    {},
    { DOCKER_HOST: "tcp://a:1", DOCKER_CERT_PATH: "/c" },
    { host: "tcp://a:1", certPath: "/c", tlsVerify: false },
  ],
  [
    "DOCKER_TLS_VERIFY, any text, with Docker's own folder",
    {},
    { DOCKER_HOST: "tcp://a:1", DOCKER_TLS_VERIFY: "0" },
    { host: "tcp://a:1", certPath: "/home/me/.docker", tlsVerify: true },
  ],
  ["a setting of certificates is verified", { certPath: "/c" }, {}, { host: SOCKET, certPath: "/c", tlsVerify: true }],
  [
    "unless that is set too",
    { certPath: "/c", tlsVerify: false },
    { DOCKER_TLS_VERIFY: "1" },
    { host: SOCKET, certPath: "/c", tlsVerify: false },
  ],
])("chooseDockerHost: %s", (_, settings, env, wanted) => {
  expect(chooseDockerHost(settings, env, "/home/me")).toEqual(wanted);
});

test.each([
  ["unix:///run/x.sock", {}, { kind: "unix", socketPath: "/run/x.sock" }],
  ["tcp://10.0.0.3", {}, { kind: "tcp", hostname: "10.0.0.3", port: 2375, basePath: "" }],
  ["tcp://10.0.0.3:80", {}, { kind: "tcp", hostname: "10.0.0.3", port: 80, basePath: "" }],
  ["10.0.0.3:2375", {}, { kind: "tcp", hostname: "10.0.0.3", port: 2375, basePath: "" }],
  ["http://[::1]:2375/docker/", {}, { kind: "tcp", hostname: "::1", port: 2375, basePath: "/docker" }],
  ["tcp://h", { tlsVerify: true }, { kind: "tcp", hostname: "h", port: 2376, basePath: "", tls: { verify: true } }],
  [
    "tcp://h",
    { certPath: "/c" },
    { kind: "tcp", hostname: "h", port: 2376, basePath: "", tls: { verify: false, certPath: "/c" } },
  ],
  ["https://h:1", {}, { kind: "tcp", hostname: "h", port: 1, basePath: "", tls: { verify: true } }],
])("parseDockerHost: %s %o", (host, tls, wanted) => {
  expect(parseDockerHost({ host, tlsVerify: false, ...tls })).toEqual({ name: host, ...wanted });
});

test.each([
  ["ssh://me@h", /ssh is not supported/, /ssh -nNT -L/],
  ["npipe:////./pipe/docker", /npipe is not supported/, /unix:\/\//],
  ["ftp://h", /the scheme ftp is not known/, /tcp:\/\/HOST/],
  ["/var/run/docker.sock", /it is no URL/, /write unix:\/\/\/var\/run\/docker\.sock/],
  ["unix://docker.sock", /path is not absolute/, /write unix:\/\/\/docker\.sock/],
  ["docker", /it is no URL/, /tcp:\/\/HOST/],
  ["tcp://", /it is no URL/, /tcp:\/\/HOST/],
  ["tcp://h:99999", /it is no URL/, /tcp:\/\/HOST/],
  ["tcp://me:secret@h:1", /"tcp:\/\/…@h:1": it holds a login/, /DOCKER_CERT_PATH/],
])("%s is refused", (host, message, hint) => {
  expect(() => parseDockerHost({ host, tlsVerify: false })).toThrow(
    expect.objectContaining({
      code: "CONFIG_INVALID",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    }),
  );
});
