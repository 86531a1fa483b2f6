import type { KVClient } from "etcd3";
import { STATUS } from "./errors.ts";

export type CallOptions = NonNullable<Parameters<KVClient["range"]>[1]>;
type Interceptor = NonNullable<CallOptions["interceptors"]>[number];

/** What gRPC hands to an interceptor, as far as it is touched here. */
interface RawCall {
  start(metadata: { set(name: string, value: string): void }, listener?: Partial<RawListener>): void;
  cancelWithStatus(code: number, details: string): void;
}

interface RawListener {
  onReceiveMetadata(metadata: unknown): void;
  onReceiveMessage(message: unknown): void;
  onReceiveStatus(status: Failure): void;
}

export interface Failure {
  readonly code: number;
  readonly details: string;
}

/** FAILED_PRECONDITION, which etcd3 does not count as worth a reaction. */
const HARMLESS: Failure = { code: 9, details: "see the tap" };

/**
 * Taps one gRPC call below etcd3: adds headers, keeps the status that etcd3 throws away, and cancels. etcd3 itself is told of a harmless
 * failure instead of the real one, because it reacts to some in ways we do not want: it closes all channels of the host, and it repeats a
 * call with a refused token for ever.
 */
export class Tap {
  /** Why the call failed; undefined as long as it has not. */
  failure: Failure | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  #call: RawCall | undefined;
  #isCancelled = false;

  constructor(headers: Readonly<Record<string, string>>) {
    this.#headers = headers;
  }

  readonly interceptor: Interceptor = (options, nextCall) => {
    const call = nextCall(options);
    // It has all methods of the InterceptingCall that is asked for, which would only pass them on.
    this.#intercept(call);
    return call as ReturnType<Interceptor>;
  };

  cancel(): void {
    this.#isCancelled = true;
    this.#call?.cancelWithStatus(STATUS.cancelled, "given up here");
  }

  #intercept(call: RawCall): void {
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      for (const [name, value] of Object.entries(this.#headers)) {
        metadata.set(name, value);
      }
      start(metadata, {
        onReceiveMetadata: (received) => listener?.onReceiveMetadata?.(received),
        onReceiveMessage: (message) => listener?.onReceiveMessage?.(message),
        onReceiveStatus: (status) => {
          if (status.code === 0) {
            listener?.onReceiveStatus?.(status);
          } else {
            this.failure ??= { code: status.code, details: status.details };
            listener?.onReceiveStatus?.({ ...status, ...HARMLESS });
          }
        },
      });
      if (this.#isCancelled) {
        this.cancel();
      }
    };
    this.#call = call;
  }
}
