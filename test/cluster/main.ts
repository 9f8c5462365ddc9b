/** `npm run cluster -- up | test | shell | kubectl … | down`: a real Kubernetes on this machine, in namespaces of its own. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { loadOurImage } from "./node/images.ts"
import { enter, firstProcess, project, removeSpace, state } from "./node/space.ts"
import { up, whereTheyLog } from "./node/up.ts"
import { missing } from "./parts/needs.ts"
import { part } from "./parts/parts.ts"
import { lacksTime } from "./parts/time.ts"
import { kubectl, kubectlWords } from "./pods/kubectl.ts"
import { writeReport } from "./report.ts"
import { counted, test } from "./test.ts"

const usage = `npm run cluster -- COMMAND
  up [--multus thick|thin|none] [--without-macvtap] [--image FILE]
                                                      starts it; builds what is not built yet (FILE: npm run image)
  reload                                              builds this tree's image again and restarts the DaemonSet on it
  test [--report] [--short] [--within N] [--minutes N] [NAME …]
                                                      what is claimed, proved on it; NAMEs choose checks
                                                      (--report: docs/cluster.md says what was seen)
                                                      (--short: the most telling ones, two minutes)
                                                      (--within N: skipped where N minutes, or this machine, do not
                                                      suffice; --minutes N: what has not begun by then is skipped)
  shell                                               a shell on its node, with kubectl
  kubectl WORDS …                                     kubectl, from anywhere
  down                                                ends it, and leaves nothing
`

const [command = "", ...rest] = process.argv.slice(2)

/** Runs something on the node with this terminal; its status. */
const attached = (words: ReadonlyArray<string>): number => {
  const [first = "", ...others] = [...enter(), ...words]
  return spawnSync(first, others, { stdio: "inherit" }).status ?? 1
}

const afterwards = (): string => `The cluster is up. On its node:
  npm run cluster -- kubectl apply -f deploy/examples/…   (or: npm run cluster -- shell)
  npm run cluster -- kubectl get pods --all-namespaces
  npm run cluster -- shell -c '/opt/cni/bin/macvtap list'
Its parts log to
${whereTheyLog().join("\n")}
`

const forms = ["thick", "thin", "none"] as const

const commands: Readonly<Record<string, () => Promise<number> | number>> = {
  up: async () => {
    const options = {
      multus: { type: "string", default: "thick" },
      "without-macvtap": { type: "boolean" },
      image: { type: "string" }
    } as const
    const { values } = parseArgs({ args: rest, options })
    const multus = forms.find((form) => form === values.multus)
    if (multus === undefined) throw new Error(`--multus is ${values.multus}; there are ${forms.join(", ")}`)
    await up({ multus, ours: values["without-macvtap"] !== true, image: values.image })
    console.log(afterwards())
    return 0
  },
  test: async () => {
    const options = {
      report: { type: "boolean" },
      short: { type: "boolean" },
      within: { type: "string" },
      minutes: { type: "string", default: "60" }
    } as const
    const { values, positionals } = parseArgs({ args: rest, options, allowPositionals: true })
    const lack = values.within === undefined ? undefined : (missing()[0] ?? lacksTime(Number(values.within)))
    if (lack !== undefined) {
      console.log(`skip a real Kubernetes: ${lack}\n${counted([], 1)}`)
      return 0
    }
    const ownCluster = firstProcess() === undefined
    if (ownCluster) await up({ multus: "thick", ours: true })
    const began = Date.now()
    const choice = { words: positionals, short: values.short === true, minutes: Number(values.minutes) }
    const outcomes = await test(choice, (soFar) => {
      if (values.report === true) writeReport(soFar, (Date.now() - began) / 1000, positionals.length > 0)
    }).finally(() => (ownCluster ? removeSpace() : undefined))
    console.log(counted(outcomes))
    return outcomes.some(({ result }) => result === "failed") ? 1 : 0
  },
  reload: async () => {
    await loadOurImage()
    await kubectl(`apply -f ${join(project, "deploy/macvtap-cni.yaml")}`)
    await kubectl("-n macvtap-cni rollout restart daemonset/macvtap-cni")
    console.log(await kubectl("-n macvtap-cni rollout status daemonset/macvtap-cni --timeout=90s"))
    return 0
  },
  down: async () => {
    await removeSpace()
    return 0
  },
  kubectl: () => attached([...kubectlWords(), ...rest]),
  shell: () => {
    const [, ...words] = kubectlWords()
    const path = `${part("kubernetes").folder}:/opt/cni/bin:${process.env["PATH"]}`
    return attached(["env", `PATH=${path}`, `KUBECONFIG=${words[1]}`, "bash", ...rest])
  }
}

const chosen = commands[command]
const lacking = chosen === undefined || rest.some((word) => word.startsWith("--within")) ? [] : missing()
if (chosen === undefined) {
  process.stderr.write(usage)
  process.exitCode = 2
} else if (lacking.length > 0) {
  console.error(`the cluster needs\n${lacking.map((line) => `  ${line}`).join("\n")}`)
  process.exitCode = 1
} else {
  try {
    process.exitCode = await chosen()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    console.error(`logs: ${state}/logs; npm run cluster -- down takes away what is there`)
    process.exitCode = 1
  }
}
