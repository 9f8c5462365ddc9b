import { assert, describe, it } from "vitest"
import { devtmpfs } from "../../src/tools/doctor/host/devtmpfs.ts"

const root = "21 1 0:19 / / rw - ext4 /dev/vda rw\n"
const dev = "22 21 0:5 / /dev rw,nosuid shared:2 - devtmpfs devtmpfs rw,size=4096k,mode=755\n"

describe("the look at /dev", () => {
  it("is content with the host's devtmpfs", () => {
    assert.strictEqual(devtmpfs("/", root + dev).status, "fine")
    assert.strictEqual(devtmpfs("/host", `${root}23 21 0:5 / /host/dev rw - devtmpfs udev rw\n`).status, "fine")
  })

  it.each([
    [
      "a tmpfs, as in a container or a kind node",
      "/",
      `${root}22 21 0:30 / /dev rw,nosuid - tmpfs tmpfs rw\n`,
      "/dev is a tmpfs"
    ],
    ["a tmpfs over the devtmpfs", "/", `${root}${dev}29 22 0:30 / /dev rw - tmpfs tmpfs rw\n`, "/dev is a tmpfs"],
    ["a folder", "/", root, "/dev is an ordinary folder"],
    ["the devtmpfs of elsewhere", "/host", root + dev, "/host/dev is an ordinary folder"],
    ["nodev", "/", `${root}22 21 0:5 / /dev rw,nodev - devtmpfs udev rw\n`, "mounted nodev"]
  ])("is not with %s", (_, where, mountinfo, words) => {
    const { status, says, todo } = devtmpfs(where, mountinfo)
    assert.strictEqual(status, "wrong")
    assert.include(says, words)
    assert.isNotEmpty(todo)
  })
})
