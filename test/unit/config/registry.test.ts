import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isLocalRegistry, locateRegistry, parseRegistryUrl, type RegistrySettings } from "../../../src/config/registry.ts";

describe("parseRegistryUrl", () => {
  it.each<[string, RegistrySettings]>([
    ["etcd://127.0.0.1:2379/fairlead", { type: "etcd", endpoints: ["127.0.0.1:2379"], prefix: "fairlead" }],
    ["etcd://h1:2379,h2:2379/a/b/", { type: "etcd", endpoints: ["h1:2379", "h2:2379"], prefix: "a/b" }],
    ["etcd+tls://h", { type: "etcd", endpoints: ["h"], prefix: undefined, tls: true }],
    ["consul://host:8500", { type: "consul", endpoints: ["host:8500"], prefix: undefined }],
    ["consul-kv+tls://[fd00::1]:8501/x", { type: "consul-kv", endpoints: ["[fd00::1]:8501"], prefix: "x", tls: true }],
    [
      "etcd:///services?layout=registrator&kvPrefix=/app",
      { type: "etcd", endpoints: undefined, prefix: "services", layout: "registrator", kvPrefix: "/app" },
    ],
    ["file:///var/lib/x", { type: "file", dir: "/var/lib/x" }],
    ["file:registry", { type: "file", dir: "/base/registry" }],
    ["memory:", { type: "memory" }],
    ["memory", { type: "memory" }],
  ])("%s", (url, expected) => {
    expect(parseRegistryUrl(url, "/base")).toEqual(expected);
  });

  it.each<[string, RegExp]>([
    ["etdc://x", /is no registry address/],
    ["http://x", /is no registry address/],
    ["etcd+ssl://x", /is no registry address/],
    ["etcd:x", /is no registry address/],
    ["file://relative/x", /is no folder/],
    ["consul://token@x", /holds a user or password/],
    ["etcd://x?layuot=json", /"layuot=json" is not known/],
    ["etcd://x?layout=xml", /"layout=xml" is not known/],
  ])("%s is refused", (url, message) => {
    expect(() => parseRegistryUrl(url, "/base")).toThrow(message);
  });
});

function storeOf(settings: RegistrySettings, env: Record<string, string> = {}) {
  const location = locateRegistry(settings, env);
  if (!("store" in location)) {
    throw new Error("no store");
  }
  return location.store;
}

describe("locateRegistry", () => {
  it.each<[string, RegistrySettings, Record<string, string>, object]>([
    [
      "defaults",
      { type: "etcd" },
      {},
      { name: "etcd://127.0.0.1:2379/fairlead", endpoints: ["127.0.0.1:2379"], prefix: "fairlead", kvPrefix: "", layout: "json" },
    ],
    [
      "slashes in prefixes do not count",
      { type: "consul-kv", prefix: "/a/b/", kvPrefix: "/app/" },
      {},
      { endpoints: ["127.0.0.1:8500"], prefix: "a/b", kvPrefix: "app" },
    ],
    ["endpoints from the environment", { type: "etcd" }, { ETCDCTL_ENDPOINTS: "http://a:1,b:2" }, { endpoints: ["a:1", "b:2"] }],
    ["consul's address from the environment", { type: "consul" }, { CONSUL_HTTP_ADDR: "c:8501" }, { endpoints: ["c:8501"] }],
    ["configured endpoints win", { type: "consul", endpoints: ["x"] }, { CONSUL_HTTP_ADDR: "c:8501" }, { endpoints: ["x:8500"] }],
    ["https means TLS", { type: "etcd", endpoints: ["https://a:1"] }, {}, { name: "etcd+tls://a:1/fairlead", tls: {} }],
    [
      "files of TLS",
      { type: "etcd", tls: { ca: "/ca", cert: "/cert", key: "/key" } },
      {},
      { tls: { ca: "/ca", cert: "/cert", key: "/key" } },
    ],
    ["files of TLS from the environment", { type: "consul", tls: true }, { CONSUL_CACERT: "/ca" }, { tls: { ca: "/ca" } }],
    ["CONSUL_HTTP_SSL", { type: "consul" }, { CONSUL_HTTP_SSL: "true" }, { tls: {} }],
  ])("%s", (_what, settings, env, expected) => {
    expect(storeOf(settings, env)).toMatchObject(expected);
  });

  it.each<[string, RegistrySettings, Record<string, string>, RegExp]>([
    ["a client certificate without its key", { type: "etcd", tls: { cert: "/cert" } }, {}, /needs both `cert` and `key`/],
    ["a user without password", { type: "etcd", username: "root" }, {}, /user "root" has no password/],
    ["a port out of range", { type: "etcd", endpoints: ["a:99999"] }, {}, /"a:99999" is no endpoint/],
    ["an endpoint with a path", { type: "etcd", endpoints: ["a:1/x"] }, {}, /is no endpoint/],
    ["an empty prefix", { type: "etcd", prefix: "/" }, {}, /prefix of a registry cannot be empty/],
    ["a file registry without a folder", { type: "file" }, {}, /needs a folder/],
  ])("refuses %s", (_what, settings, env, message) => {
    expect(() => locateRegistry(settings, env)).toThrow(message);
  });

  it("reads secrets when they are used, files before the environment", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fairlead-secret-"));
    const file = join(folder, "token");
    await writeFile(file, "first\n");
    const fromFile = storeOf({ type: "consul", tokenFile: file }, { CONSUL_HTTP_TOKEN: "env" });
    expect(await fromFile.token?.()).toBe("first");
    await writeFile(file, "renewed");
    expect(await fromFile.token?.()).toBe("renewed");
    await rm(folder, { recursive: true });
    await expect(fromFile.token?.()).rejects.toMatchObject({ code: "REGISTRY_DENIED", message: expect.stringContaining(file) });
    expect(await storeOf({ type: "consul" }, { CONSUL_HTTP_TOKEN: "env" }).token?.()).toBe("env");
    const { login } = storeOf({ type: "etcd" }, { ETCDCTL_USER: "root:pw:with:colons" });
    expect([login?.username, await login?.password()]).toEqual(["root", "pw:with:colons"]);
    const separate = storeOf({ type: "etcd" }, { ETCDCTL_USER: "root", ETCDCTL_PASSWORD: "pw" }).login;
    expect(await separate?.password()).toBe("pw");
  });

  it("knows which registries only this machine can read", () => {
    expect(isLocalRegistry(undefined)).toBe(true);
    expect(isLocalRegistry(locateRegistry({ type: "file", dir: "/x" }, {}))).toBe(true);
    expect(isLocalRegistry(locateRegistry({ type: "etcd" }, {}))).toBe(false);
  });
});
