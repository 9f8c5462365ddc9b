/**
 * What the agent tells the engine that it runs on, in variables that are read before our first line: it starts itself once
 * more with them. The executable's doorkeeper lets these names through.
 */
export const engine = {
  /** Requests within which the kernel waits for a grace period have a thread each, up to so many; what the environment says comes first. */
  UV_THREADPOOL_SIZE: "64",
  /**
   * Not to look for garbage by the clock (Bun's timer), every second after a call and every 30 without one: the agent looks
   * by itself (thrift.ts).
   */
  BUN_GC_TIMER_DISABLE: "1",
  /**
   * To compile well what has been compiled at all (JavaScriptCore's OptionsList.h) as soon as it is run some ten times more,
   * instead of some thousand: a function runs a few times in a call, so it would be days until a node with few pods answers
   * as fast as it can.
   */
  BUN_JSC_thresholdForOptimizeAfterWarmUp: "50",
  BUN_JSC_thresholdForOptimizeAfterLongWarmUp: "50",
  BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: "500",
  BUN_JSC_thresholdForFTLOptimizeSoon: "100",
  /**
   * To keep what it has compiled: it would let go of code some seconds after that was made, and compile it again, a quarter
   * of its work, while a node is busy. All of it is 5 MiB.
   */
  BUN_JSC_forceCodeBlockLiveness: "1",
  /**
   * Bytes. To look for garbage, where calls come without a pause, as on a machine of that size: on a larger one its memory
   * would grow by half as much before it does.
   */
  BUN_JSC_forceRAMSize: String(96 * 1024 * 1024)
} as const
