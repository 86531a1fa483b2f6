import { afterAll, beforeAll } from "vitest";
import { createEtcdRegistry } from "../../../src/registry/etcd/registry.ts";
import { describeWith, type Etcd, type EtcdOptions, startEtcd } from "../../helpers/servers/index.ts";
import { createWorld } from "./etcd-world.ts";
import { registrySuite } from "./suite.ts";

const VARIANTS: readonly (EtcdOptions & { readonly title: string; readonly server: "etcd34" | "etcd36" })[] = [
  { title: "etcd 3.4", server: "etcd34", version: "3.4" },
  { title: "etcd 3.6 with TLS, client certificates and a user", server: "etcd36", version: "3.6", tls: "mutual", auth: true },
];

for (const { title, server, ...options } of VARIANTS) {
  describeWith([server], `${title}, the contract`, () => {
    let etcd: Etcd;
    beforeAll(async () => {
      etcd = await startEtcd(options);
    });
    afterAll(async () => {
      await etcd?.stop();
    });

    registrySuite(title, {
      setup: async () => await createWorld(etcd, (store) => createEtcdRegistry(store)),
      minTtlMs: 2000,
      slackMs: 2000,
      noticeMs: 2000,
      outageNoticeMs: 3000,
      recoverMs: 5000,
      leavesOut: {},
    });
  });
}
