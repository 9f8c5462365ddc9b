/** A virtual machine in a pod: QEMU as user 107, its network cards on the pod's tap nodes, its console ours. */
import { startDaemon } from "../lab/daemon.ts"
import { interrupted, saidBy } from "../lab/long/report.ts"
import type { TestNetns } from "../lab/netns.ts"
import type { Attachment } from "./attachment.ts"
import type { Boot } from "./kernel.ts"

export interface Guest {
  /** Runs a line of shell in the guest. */
  readonly run: (line: string, timeout?: number) => Promise<{ readonly status: number; readonly stdout: string }>
  /** Ends when the guest has powered itself off. */
  readonly powerOff: () => Promise<void>
}

/** Booting a kernel without virtualization takes a few seconds; a busy machine with slow disks more. */
const bootTime = 120_000

/** Opens each node as user 107, as file descriptor 3 and up, and becomes QEMU: there is nobody else who could open it. */
const opening = (nodes: ReadonlyArray<string>): string =>
  `exec "$@" ${nodes.map((node, i) => `${i + 3}<>${node}`).join(" ")}`

/**
 * Boots a machine with one card for each attachment (eth0, eth1 … in the guest), and waits until it answers. It is
 * killed when `scope` ends. `more` are QEMU's other options: with `-incoming` it waits for a machine to come, and is not
 * waited for.
 */
export const bootGuest = async (
  scope: AsyncDisposableStack,
  name: string,
  pod: TestNetns,
  boot: Boot,
  attachments: ReadonlyArray<Attachment>,
  more: ReadonlyArray<string> = []
): Promise<Guest> => {
  const cards = attachments.flatMap(({ link }, i) => [
    // biome-ignore format: one option a line
    "-netdev",
    `tap,id=n${i},fd=${i + 3}`,
    "-device",
    `virtio-net-pci,netdev=n${i},mac=${link.address},romfile=`
  ])
  const qemu = [
    // biome-ignore format: one option a line
    "qemu-system-x86_64",
    "-accel",
    "tcg",
    "-m",
    "160",
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-serial",
    "stdio",
    "-kernel",
    boot.kernel,
    "-initrd",
    boot.initramfs,
    "-append",
    "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on",
    ...cards,
    ...more
  ]
  const daemon = scope.use(
    startDaemon(
      "nsenter",
      // biome-ignore format: one program a line
      [`--net=${pod.path}`, "--", "setpriv", "--reuid=107", "--regid=107", "--clear-groups",
      // setpriv's change of user clears the parent-death signal, so it is asked for once more.
      "--pdeathsig", "KILL", "sh", "-c", opening(attachments.map((attachment) => attachment.node)), "sh", ...qemu],
      { signal: interrupted, onLine: (line) => line.trim() !== "" && !line.startsWith("@") && saidBy(name, line) }
    )
  )
  if (!more.includes("-incoming")) await daemon.line(/^@ready/, bootTime)
  return {
    run: async (line, timeout = 60_000) => {
      const from = daemon.lines.length
      daemon.write(`${line}\n`)
      const end = await daemon.line(/^@\d+/, timeout, from)
      const at = daemon.lines.indexOf(end, from)
      return { status: Number(end.slice(1)), stdout: daemon.lines.slice(from + 1, at).join("\n") }
    },
    powerOff: async () => {
      daemon.write("poweroff -f\n")
      await daemon.ended
    }
  }
}
