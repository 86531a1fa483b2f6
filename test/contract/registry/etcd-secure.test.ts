/** TLS, users and rights of real etcd servers. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { FairleadError } from "../../../src/model/errors.ts";
import { EVERYTHING } from "../../../src/model/selector.ts";
import type { Registry } from "../../../src/ports.ts";
import { createEtcdRegistry } from "../../../src/registry/etcd/registry.ts";
import type { StoreOptions } from "../../../src/registry/store.ts";
import {
  type Certificates,
  describeWith,
  type Etcd,
  makeCertificates,
  makeFolder,
  removeFolder,
  startEtcd,
} from "../../helpers/servers/index.ts";
import { waitFor } from "../../helpers/wait.ts";
import { instance, outcomesOf } from "./arena.ts";
import { storeOptions } from "./etcd-world.ts";

const { signal } = new AbortController();
const SERVICES = { services: "all", keys: [] } as const;
const SECRET = "s3cr3t-canary";

describeWith(["etcd34", "etcd36", "openssl"], "etcd's security", () => {
  describe.each(["3.4", "3.6"] as const)("%s", (version) => {
    let secured: Etcd;
    let plain: Etcd;
    let folder: string;
    let foreign: Certificates;
    let registries: Registry[] = [];

    function open(store: StoreOptions): Registry {
      const registry = createEtcdRegistry(store);
      registries.push(registry);
      return registry;
    }
    async function failureOf(store: StoreOptions): Promise<FairleadError> {
      const error: unknown = await open(store)
        .read(SERVICES, { signal })
        .catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(FairleadError);
      return error as FairleadError;
    }

    beforeAll(async () => {
      folder = await makeFolder("etcd-secure");
      foreign = await makeCertificates(folder);
      secured = await startEtcd({ version, tls: "mutual", auth: true });
      plain = await startEtcd({ version });
    });
    afterEach(async () => {
      await Promise.all(registries.map((registry) => registry.close()));
      registries = [];
    });
    afterAll(async () => {
      await Promise.all([secured?.stop(), plain?.stop()]);
      await removeFolder(folder);
    });

    test("a wrong password is denied, and shown nowhere", async () => {
      const error = await failureOf({ ...storeOptions(secured), login: { username: "root", password: async () => SECRET } });
      expect(error.code).toBe("REGISTRY_DENIED");
      expect(error.message).toBe(
        `cannot read etcd range "/fairlead/services/": authentication failed, invalid user ID or password (${secured.endpoint})`,
      );
      for (let at: unknown = error; at instanceof Error; at = at.cause) {
        expect(`${at.message} ${JSON.stringify(at)} ${at.stack} ${at instanceof FairleadError ? at.hint : ""}`).not.toContain(
          SECRET,
        );
      }
    });

    test("no user where one is needed is denied; one where none is needed is no matter", async () => {
      const { login: _, ...anonymous } = storeOptions(secured);
      expect(await failureOf(anonymous)).toMatchObject({ code: "REGISTRY_DENIED", retryable: false });
      const needless = open({ ...storeOptions(plain), login: { username: "root", password: async () => SECRET } });
      expect((await needless.read(SERVICES, { signal })).services.size).toBe(0);
    });

    test("a certificate that our CA did not sign is named as such", async () => {
      const store = storeOptions(secured);
      const error = await failureOf({ ...store, tls: { ...store.tls, ca: foreign.ca } });
      expect(error).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true, hint: expect.stringMatching(/tls\.ca/) });
      expect(error.message).toMatch(
        /^cannot read etcd range "\/fairlead\/services\/": TLS: .*certificate.* \(127\.0\.0\.1:\d+\)$/,
      );
    });

    test("no client certificate, or one that etcd does not trust, is denied", async () => {
      const store = storeOptions(secured);
      const { ca, cert, key } = { ...foreign.client, ca: store.tls?.ca ?? "" };
      for (const tls of [{ ca }, { ca, cert, key }]) {
        const error = await failureOf({ ...store, tls });
        expect(error).toMatchObject({ code: "REGISTRY_DENIED", hint: expect.stringMatching(/tls\.cert/) });
        expect(error.message).toContain("TLS: the server refuses our certificate (");
      }
    });

    test("TLS spoken to a server without, and none spoken to one with it, have a hint", async () => {
      const { tls } = storeOptions(secured);
      const error = await failureOf({ ...storeOptions(plain), ...(tls && { tls }) });
      expect(error).toMatchObject({ code: "REGISTRY_UNAVAILABLE", hint: expect.stringMatching(/TLS/) });
      const { tls: _, ...withoutTls } = storeOptions(secured);
      expect(await failureOf(withoutTls)).toMatchObject({
        code: "REGISTRY_UNAVAILABLE",
        hint: expect.stringMatching(/etcd\+tls/),
      });
    });

    test("TLS files that are missing or do not fit are named, and read again later", async () => {
      const store = storeOptions(secured);
      expect((await failureOf({ ...store, tls: { ca: "/nowhere/ca.pem" } })).message).toContain(
        'cannot read the TLS file "/nowhere/ca.pem"',
      );
      const { ca = "", cert = "" } = store.tls ?? {};
      expect(await failureOf({ ...store, tls: { ca, cert } })).toMatchObject({ code: "REGISTRY_UNAVAILABLE", retryable: true });
    });

    test("a password that cannot be read is an error of ours, not a crash", async () => {
      const password = async (): Promise<string> => {
        throw new Error("no such file");
      };
      const error = await failureOf({ ...storeOptions(secured), login: { username: "root", password } });
      expect(error.message).toBe('cannot read the password of the etcd user "root": no such file');
    });

    test("a changed password is read again as soon as the old sign-in is refused", async () => {
      await secured.call("/v3/auth/user/add", { name: "changing", password: "first" });
      await secured.call("/v3/auth/user/grant", { user: "changing", role: "root" });
      let password = "first";
      const registry = open({ ...storeOptions(secured), login: { username: "changing", password: async () => password } });
      await registry.read(SERVICES, { signal });
      password = SECRET;
      await secured.call("/v3/auth/user/changepw", { name: "changing", password });
      await registry.putKey("k", "v", signal);
      expect((await registry.read(EVERYTHING, { signal })).keys.get("k")).toBe("v");
    });

    test("rights on a part: what is allowed is done, what is not fails alone", async () => {
      await secured.call("/v3/auth/role/add", { name: "web" });
      const grant = async (permType: string, from: string, to: string): Promise<unknown> =>
        secured.call("/v3/auth/role/grant", {
          name: "web",
          perm: { permType, key: Buffer.from(from).toString("base64"), range_end: Buffer.from(to).toString("base64") },
        });
      await grant("READ", "/fairlead/", "/fairlead0");
      await grant("READWRITE", "/fairlead/services/web/", "/fairlead/services/web0");
      await secured.call("/v3/auth/user/add", { name: "limited", password: SECRET });
      await secured.call("/v3/auth/user/grant", { user: "limited", role: "web" });
      const registry = open({ ...storeOptions(secured), login: { username: "limited", password: async () => SECRET } });
      await registry.keepAlive("node-1", 30_000, signal);
      const services = ["web", "web", "db", "web", "web", "cache"];
      const put = services.map((service, i) => ({ instance: instance(service, `id-${i}`) }));
      const results = await registry.write("node-1", { put, remove: [] }, signal);
      expect(outcomesOf(results)).toEqual(["written", "written", "failed", "written", "written", "failed"]);
      expect(results[2]).toMatchObject({ error: { code: "REGISTRY_DENIED", retryable: false } });
      const first = await registry.read(SERVICES, { signal });
      expect(first.services.get("web")?.instances).toHaveLength(4);
      await expect(registry.read(EVERYTHING, { signal })).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
      const again = await registry.read(SERVICES, { signal });
      const next = registry.read(SERVICES, { signal, after: again.revision });
      await secured.put("/fairlead/services/db/1", '{"address":"10.0.0.1","port":1}');
      expect((await next).services.has("db")).toBe(true);
    });

    test("a token that ended with its server is renewed in silence", async () => {
      const registry = open(storeOptions(secured));
      await registry.keepAlive("node-1", 30_000, signal);
      await registry.read(SERVICES, { signal });
      await secured.restart();
      await waitFor(async () => (await registry.keepAlive("node-1", 30_000, signal)) === "kept", {
        timeoutMs: 5000,
        what: "a beat",
      });
      await registry.putKey("k", "w", signal);
      expect((await registry.read(EVERYTHING, { signal })).keys.get("k")).toBe("w");
    });
  });
});
