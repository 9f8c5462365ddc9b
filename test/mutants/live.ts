/** Edits of what asks the real kernel: src/live. */
import { type Edit, edits } from "./Edit.ts"

export const liveEdits: ReadonlyArray<Edit> = [
  ...edits(
    "live/device/node.ts",
    ["live/ReservationLive.live.test.ts"],
    [
      ["if (!gone) linkSync(aside, node)", ""],
      ["chmodSync(beside, to.mode)", ""]
    ]
  ),
  ...edits(
    "live/device/holder.ts",
    ["live/ReservationLive.live.test.ts"],
    [["link !== undefined && tap === ", "link !== undefined || tap === "]]
  ),
  ...edits(
    "live/netlink/conversation.ts",
    ["live/NetlinkLive.live.test.ts"],
    [["trace({ message })\n      // A notice", "// A notice"]]
  ),
  ...edits(
    "live/netlink/conversation.ts",
    ["live/rtnetlink.test.ts"],
    [
      ["message.type === RTM_DELLINK && isOurs", "message.type === RTM_DELLINK"],
      ['return lost ? refused("ENOBUFS") : undefined', "return undefined"]
    ]
  ),
  ...edits(
    "live/netlink/conversation.ts",
    ["live/conversation.test.ts"],
    [
      ["if (datagram.sender !== 0) {", "if (false) {"],
      ["message.sequence !== sequence || ", ""],
      [`lose("EMSGSIZE")`, "undefined"],
      [`return interrupted ? { lost: "EINTR" } : verdict`, "return verdict"],
      [`if (message.type === NLMSG_OVERRUN) lose("ENOBUFS")`, ""],
      ["request.type % 4 === 2", "true"]
    ]
  ),
  ...edits(
    "live/netlink/rtnetlink.ts",
    ["live/rtnetlink.test.ts", "contract/live.live.test.ts"],
    [
      [
        "link === index ? [address] : []",
        "[address]",
        "a kernel since 4.20 gives the addresses of the link that is asked for, and no others"
      ],
      [`error.errno === "EOPNOTSUPP"`, "false"]
    ]
  ),
  ...edits(
    "live/netns/enter.ts",
    ["live/enter.live.test.ts"],
    [
      ["  if (stranded !== undefined) throw stranded\n", ""],
      ["  setns(home, CLONE_NEWNET)\n  leave()\n", "  leave()\n"]
    ]
  ),
  ...edits(
    "live/netns/NetnsLive.ts",
    ["live/NetnsLive.test.ts", "live/NetnsLive.live.test.ts"],
    [
      ["if (type === CLONE_NEWNET)", "if (true)"],
      [`if (part === "" || part === "." || part === "..")`, "if (false)"],
      ["runtimeFolder.test(path)", "false"]
    ]
  ),
  ...edits(
    "live/netns/netnsList.ts",
    ["live/NetnsLive.live.test.ts", "contract/live.live.test.ts"],
    [
      [" && !found.has(stats.ino)", ""],
      ["stats?.dev === nsfs", "stats !== undefined"]
    ]
  ),
  ...edits(
    "live/device/TapLive.ts",
    ["live/TapLive.live.test.ts"],
    [
      [`if (device !== node.device) throw new SystemError("open", "ESTALE")`, ""],
      [" | constants.O_NOFOLLOW", ""],
      ["chmodSync(path, to.mode)", ""]
    ]
  ),
  ...edits(
    "live/process/process.ts",
    ["live/DelegateLive.test.ts"],
    [
      ["kill(-pid, SIGKILL)", "kill(pid, SIGKILL)"],
      ["stdout.size > maxStdout", "false"],
      ["Date.now() - ended >= grace", "false"]
    ]
  ),
  ...edits(
    "live/log/logFile.ts",
    ["live/LogLive.test.ts", "live/LogLive.live.test.ts"],
    [
      ["if (stats.nlink !== 1)", "if (false)"],
      ["if (stats.uid !== ourUser())", "if (false)"],
      [`parts.includes("..")`, "false"]
    ]
  ),
  ...edits(
    "live/log/LogLive.ts",
    ["live/LogLive.test.ts"],
    [
      ["logLevels.indexOf(level) < threshold", "false"],
      ["whole.length > maxLine", "false"]
    ]
  )
]
