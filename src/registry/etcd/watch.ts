import type { IEvent, IWatchRequest, IWatchResponse } from "etcd3";
import { type Alarm, createAlarm } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import type { ClientStream, EtcdClient } from "./client.ts";
import { RpcError, STATUS, toFairleadError } from "./errors.ts";
import { Order } from "./order.ts";
import type { KeyRange } from "./ranges.ts";

/** How long the watches may take to stand. From then on a dead connection is found by gRPC's pings, and silence is no sign of death. */
const START_MS = 10_000;

/** etcd lets watches that begin in the past catch up every 100 ms, and says nothing when there was nothing for them. */
const CATCH_UP_MS = 300;

export interface WatchOptions {
  readonly ranges: readonly KeyRange[];
  readonly clusterId: string;
  /** Everything after this revision is delivered, whenever the watch comes to stand. */
  readonly after: number;
  /** Whole revisions only, in order for each key. */
  readonly onEvents: (events: readonly IEvent[]) => void;
  /** Called once when the watch ends by itself: events may be missing from then on. */
  readonly onEnd: (error: FairleadError) => void;
}

/** A watch over some ranges on one stream. It never resumes: after its end everything has to be read again. */
export class Watch {
  readonly #client: EtcdClient;
  readonly #options: WatchOptions;
  readonly #what: string;
  readonly #order: Order;
  readonly #starting: Alarm;
  readonly #abort = new AbortController();
  /** Parts of a revision that is not yet complete, by watch. */
  readonly #fragments = new Map<string, IEvent[]>();
  readonly #revisions = new Map<string, number>();
  #stream: ClientStream<IWatchRequest> | undefined;
  #standing = 0;
  #isOver = false;

  constructor(client: EtcdClient, options: WatchOptions) {
    this.#client = client;
    this.#options = options;
    const [first, ...others] = options.ranges;
    this.#what = `cannot watch etcd range "${first?.text}"${others.length === 0 ? "" : ` and ${others.length} more`}`;
    this.#order = new Order(options.ranges.length, {
      release: options.onEvents,
      ask: () => this.#stream?.send({ progress_request: {} }),
    });
    this.#starting = createAlarm(() => this.#end(this.#failure(STATUS.deadlineExceeded, "the watch did not start")));
    this.#starting.set(START_MS);
    void this.#start();
  }

  /** Whether what belongs to one revision comes at once, whatever range it is in. */
  get isOrdered(): boolean {
    return this.#order.isKept;
  }

  close(): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#starting.clear();
      this.#order.close();
      this.#abort.abort(new Error("the watch was closed"));
      this.#stream?.cancel();
    }
  }

  /** Never rejects: whatever goes wrong is told to `onEnd`. */
  async #start(): Promise<void> {
    try {
      const stream = await this.#client.stream<IWatchRequest, IWatchResponse>(
        { what: this.#what, signal: this.#abort.signal, ms: START_MS },
        ({ watchClient }, call) => watchClient.watch(call),
        { onResponse: (response) => this.#receive(response), onEnd: (error) => this.#end(error) },
      );
      if (this.#isOver) {
        stream.cancel();
        return;
      }
      this.#stream = stream;
      for (const [i, { start, end }] of this.#options.ranges.entries()) {
        stream.send({
          create_request: {
            watch_id: i + 1,
            key: start,
            range_end: end,
            start_revision: this.#options.after + 1,
            progress_notify: true,
            fragment: true,
          },
        });
      }
    } catch (error) {
      this.#end(error instanceof FairleadError ? error : this.#failure(STATUS.unknown, String(error)));
    }
  }

  #receive(response: IWatchResponse): void {
    if (this.#isOver) {
      return;
    }
    const problem = this.#problemOf(response);
    if (problem !== undefined) {
      this.#end(problem);
    } else if (response.created) {
      this.#standing += 1;
      if (Number(response.header.revision) > this.#options.after) {
        this.#order.distrust(CATCH_UP_MS);
      }
      if (this.#standing === this.#options.ranges.length) {
        this.#starting.clear();
      }
    } else if (response.watch_id === "-1") {
      this.#order.answered(Number(response.header.revision));
    } else {
      this.#collect(response);
    }
  }

  #collect({ watch_id: id, fragment, events, header }: IWatchResponse): void {
    const all = [...(this.#fragments.get(id) ?? []), ...events];
    if (fragment) {
      this.#fragments.set(id, all);
      return;
    }
    this.#fragments.delete(id);
    // A watch that is still catching up says the store's revision, not its own: only its last event is proof.
    const reached = all.at(-1)?.kv.mod_revision ?? header.revision;
    this.#order.received(Number(id) - 1, all, Number(reached));
  }

  /** Why events after this response could be missing, or belong to another store. */
  #problemOf(response: IWatchResponse): FairleadError | undefined {
    const { header, watch_id: id, compact_revision: compacted, canceled, created, cancel_reason: reason } = response;
    const revision = Number(header.revision);
    if (compacted !== "0") {
      return this.#failure(STATUS.outOfRange, `its history was compacted at revision ${compacted}`);
    }
    if (canceled) {
      const isDenied = reason.includes("permission denied");
      return this.#failure(isDenied ? STATUS.permissionDenied : STATUS.unavailable, reason || "etcd ended the watch");
    }
    const isBehind = !created && revision < (this.#revisions.get(id) ?? 0);
    if (header.cluster_id !== this.#options.clusterId || isBehind) {
      return this.#failure(STATUS.outOfRange, "another store answers than before");
    }
    this.#revisions.set(id, created ? 0 : revision);
    return undefined;
  }

  #failure(code: number, details: string): FairleadError {
    const failure = { code, details };
    return this.#stream?.fail(failure) ?? toFairleadError(this.#what, new RpcError(failure, this.#client.endpoint));
  }

  #end(error: FairleadError): void {
    if (!this.#isOver) {
      this.close();
      this.#options.onEnd(error);
    }
  }
}
