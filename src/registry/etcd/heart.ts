import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from "etcd3";
import { withDeadline } from "../../core/time.ts";
import { FairleadError } from "../../model/errors.ts";
import type { ClientStream, EtcdClient } from "./client.ts";
import { RpcError, STATUS, toFairleadError } from "./errors.ts";
import { leaseName } from "./lease.ts";

type LeaseStream = ClientStream<ILeaseKeepAliveRequest>;

interface Answer {
  readonly resolve: (isAlive: boolean) => void;
  readonly reject: (error: FairleadError) => void;
}

export interface BeatOptions {
  /** The deadline of each of two tries. */
  readonly ms: number;
  readonly signal: AbortSignal;
}

/**
 * Keeps leases alive over one stream. It stays open between beats, because its end tells that the server went away: it may be another
 * one when it comes back, and etcd lets calls with a token of the old one wait until their deadline.
 */
export class Heart {
  readonly #client: EtcdClient;
  readonly #answers = new Map<string, Answer>();
  #stream: Promise<LeaseStream> | undefined;

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  /** Renews a lease once; whether it was still there. A failure gets a second try over a new stream, to another endpoint if there is one. */
  async beat(id: string, options: BeatOptions): Promise<boolean> {
    try {
      return await this.#beat(id, options);
    } catch (error) {
      if (options.signal.aborted || !(error instanceof FairleadError)) {
        throw error;
      }
      return await this.#beat(id, options);
    }
  }

  close(): void {
    const closing = this.#stream;
    this.#stream = undefined;
    closing?.then(
      (stream) => stream.cancel(),
      () => undefined, // it never opened
    );
  }

  async #beat(id: string, { ms, signal }: BeatOptions): Promise<boolean> {
    const what = `cannot keep the etcd lease ${leaseName(id)} alive`;
    const opening = (this.#stream ??= this.#open(what, ms));
    let stream: LeaseStream | undefined;
    const onTimeout = (): Error => {
      const silence = { code: STATUS.deadlineExceeded, details: "no answer" };
      return stream?.fail(silence) ?? toFairleadError(what, new RpcError(silence, this.#client.endpoint));
    };
    try {
      return await withDeadline({ ms, signal, onTimeout }, async () => {
        stream = await opening;
        const answer = new Promise<boolean>((resolve, reject) => this.#answers.set(id, { resolve, reject }));
        stream.send({ ID: id });
        return await answer;
      });
    } catch (error) {
      // An answer that comes late would be taken for one to the next beat.
      if (this.#stream === opening) {
        this.close();
      }
      throw error;
    } finally {
      this.#answers.delete(id);
    }
  }

  /** Shared by all beats, so it heeds no caller's signal. */
  #open(what: string, ms: number): Promise<LeaseStream> {
    const opening = this.#client.stream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>(
      { what, ms, signal: new AbortController().signal },
      ({ leaseClient }, call) => leaseClient.leaseKeepAlive(call),
      {
        onResponse: ({ ID: id, TTL: ttl }) => this.#answers.get(id)?.resolve(ttl !== "0"),
        onEnd: (error) => {
          if (this.#stream === opening) {
            this.#stream = undefined;
          }
          for (const { reject } of this.#answers.values()) {
            reject(error);
          }
        },
      },
    );
    return opening;
  }
}
