// The least that anybody has to do between many entries in etcd and a file: list them raw, page by page, and write as many bytes as the real
// file has; then a raw watch, and the same bytes again after each change. No decoding, no template, no checks.
import { open, rename } from "node:fs/promises";
import { Etcd3 } from "etcd3";

const [endpoint, prefix, bytes, dest] = process.argv.slice(2);
const client = new Etcd3({ hosts: endpoint, grpcOptions: { "grpc.max_receive_message_length": -1 } });
const end = Buffer.from(prefix);
end[end.length - 1] += 1;
let key = Buffer.from(prefix);
let revision;
const kvs = [];
for (let more = true; more; ) {
  const page = await client.kv.range({ key, range_end: end, limit: 8192, ...(revision && { revision }) });
  revision = page.header.revision;
  for (const { key: name, value } of page.kvs) {
    kvs.push([name.toString(), value.toString()]);
  }
  key = Buffer.concat([page.kvs.at(-1).key, Buffer.of(0)]);
  more = page.more;
}
await install("first");
const stream = await client.watchClient.watch();
stream.on("data", ({ created, events }) => {
  if (created) {
    console.log(`ready ${kvs.length}`);
  }
  for (const { kv } of events) {
    void install(kv.value.toString());
  }
});
stream.write({ create_request: { key: Buffer.from(prefix), range_end: end } });

async function install(head) {
  const file = await open(`${dest}.tmp`, "w");
  await file.writeFile(Buffer.concat([Buffer.from(`${head}\n`), Buffer.alloc(Number(bytes), "x")]));
  await file.sync();
  await file.close();
  await rename(`${dest}.tmp`, dest);
}
