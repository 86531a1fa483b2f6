import type { Context } from "../context.ts";
import { playTour } from "../demo/tour.ts";

export async function run(context: Context): Promise<void> {
  await playTour(context);
}
