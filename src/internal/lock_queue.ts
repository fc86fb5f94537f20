import { onAbort } from "./on_abort.ts";

/** Caller of this process that waits for a key. */
interface Waiter {
  exclusive: boolean;
  enter: () => void;
}

interface Lane {
  holders: number;
  exclusive: boolean;
  waiting: Waiter[];
}

const lanes = new Map<string, Lane>();

/**
 * Waits for a lock within this process, in order of arrival; shared holders may hold it at the same time. Some kernel
 * locks do not exclude two callers of the same process, so each lock file also has such a queue, with its path as key.
 * Dispose the result to release the lock. Rejects with `signal.reason` on abort.
 */
export async function enterQueue(key: string, exclusive: boolean, signal?: AbortSignal): Promise<Disposable> {
  signal?.throwIfAborted();
  let lane = lanes.get(key);
  if (!lane) lanes.set(key, lane = { holders: 0, exclusive: false, waiting: [] });
  if (lane.waiting.length > 0 || !fits(lane, exclusive)) await wait(key, lane, exclusive, signal);
  else occupy(lane, exclusive);
  let held = true;
  return {
    [Symbol.dispose]: () => {
      if (held) leave(key, lane);
      held = false;
    },
  };
}

function fits(lane: Lane, exclusive: boolean): boolean {
  return lane.holders === 0 || (!exclusive && !lane.exclusive);
}

function occupy(lane: Lane, exclusive: boolean): void {
  lane.holders++;
  lane.exclusive = exclusive;
}

function leave(key: string, lane: Lane): void {
  lane.holders--;
  admit(key, lane);
}

function admit(key: string, lane: Lane): void {
  while (lane.waiting.length > 0 && fits(lane, lane.waiting[0]!.exclusive)) {
    const next = lane.waiting.shift()!;
    occupy(lane, next.exclusive);
    next.enter();
  }
  if (lane.holders === 0 && lane.waiting.length === 0) lanes.delete(key);
}

function wait(key: string, lane: Lane, exclusive: boolean, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      lane.waiting.splice(lane.waiting.indexOf(waiter), 1);
      admit(key, lane);
      reject(signal!.reason);
    };
    const waiter: Waiter = {
      exclusive,
      enter: () => {
        stop?.();
        resolve();
      },
    };
    lane.waiting.push(waiter);
    const stop = signal && onAbort(signal, giveUp);
  });
}
