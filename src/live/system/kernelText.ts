/** What a file says whose text the kernel makes for whoever reads it, as those of sysfs and /proc/sys. */
import { readSync } from "node:fs"

/** Every such text is at most a page long, and read(2) gives all of it at once. node:fs would set 256 KiB aside for it. */
const page = Buffer.alloc(4096)

/** The text from where the descriptor is, without the white space around it. */
export const readKernelText = (fd: number): string => page.toString("latin1", 0, readSync(fd, page)).trim()
