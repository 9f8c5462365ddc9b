/** kubectl on the cluster's node. */

import type { RunOptions, RunResult } from "../../lab/run.ts"
import { kubeconfig } from "../node/files.ts"
import { inside, mustInside } from "../node/space.ts"
import { program } from "../parts/parts.ts"

/** The words before kubectl's own. */
export const kubectlWords = (): ReadonlyArray<string> => [
  program("kubernetes", "kubectl"),
  "--kubeconfig",
  kubeconfig(),
  "--cache-dir=/tmp/kubectl"
]

const split = (words: string): ReadonlyArray<string> => words.trim().split(/\s+/)

/** Runs kubectl to its end: `await tryKubectl("get pods")`. Words are split at spaces. */
export const tryKubectl = (words: string, options: RunOptions = {}): Promise<RunResult> =>
  inside([...kubectlWords(), ...split(words)], options)

/** The same, for what has to succeed; its stdout. */
export const kubectl = (words: string, options: RunOptions = {}): Promise<string> =>
  mustInside([...kubectlWords(), ...split(words)], options)

/** `kubectl get … -o json`, as the caller says it is. */
export const getJson = async <T>(words: string): Promise<T> => JSON.parse(await kubectl(`get ${words} -o json`)) as T

/** Applies YAML or JSON as it is. */
export const apply = (text: string): Promise<string> => kubectl("apply -f -", { stdin: text })
