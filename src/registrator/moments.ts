import { monotonicMs } from "../core/time.ts";
import type { Moment } from "./tenure.ts";

/**
 * Two clocks that err to different sides. The monotonic one stands still while the machine sleeps; the one on the wall may be set. Of each
 * stretch the longer reading may have passed, the monotonic one certainly has.
 */
export function createMoments(): () => Moment {
  let monotonic = monotonicMs();
  let wall = Date.now();
  let atMostMs = 0;
  return () => {
    const nowMonotonic = monotonicMs();
    const nowWall = Date.now();
    atMostMs += Math.max(nowMonotonic - monotonic, nowWall - wall);
    monotonic = nowMonotonic;
    wall = nowWall;
    return { atLeastMs: monotonic, atMostMs };
  };
}
