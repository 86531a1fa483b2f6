// The least that anybody has to do between a key in etcd and a file: a raw watch, then write, fsync, rename. No template, no resuming, no checks.
import { open, rename } from "node:fs/promises";
import { Etcd3 } from "etcd3";

const [endpoint, key, dest] = process.argv.slice(2);
const client = new Etcd3({ hosts: endpoint });
const stream = await client.watchClient.watch();
stream.on("data", (response) => void install(response));

async function install({ created, events }) {
  if (created) {
    console.log("ready");
  }
  for (const event of events) {
    const file = await open(`${dest}.tmp`, "w");
    await file.writeFile(event.kv.value);
    await file.sync();
    await file.close();
    await rename(`${dest}.tmp`, dest);
  }
}
stream.write({ create_request: { key: Buffer.from(key) } });
