// A disk that can lose its power: a file system in a file. Needs Linux and root.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const MEGABYTES = 1024;
// The kernel's own way to test file systems: from this call on, nothing of what is not on the disk yet gets there.
// _IOR('X', 125, __u32), with the flag that the journal is not flushed either.
const SHUTDOWN = 'open(my $at, "<", $ARGV[0]) or die "open: $!"; my $how = pack("L", 2); ioctl($at, 0x8004587d, $how) or die "ioctl: $!"';

function run(program, ...args) {
  try {
    return execFileSync(program, args, { stdio: ["ignore", "pipe", "pipe"] }).toString();
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}: ${error.stderr?.toString().trim() || error.message}`);
  }
}

/** Why there can be no such disk here; null where there can. */
export function obstacle() {
  if (process.platform !== "linux") return "it takes loop devices, which Linux has";
  if (process.getuid() !== 0) return "it takes root, to mount a file system that is in a file";
  return null;
}

/** An ext4 file system in a file. */
export class Disk {
  #directory;
  #image;

  static async make() {
    const disk = new Disk();
    disk.#directory = await mkdtemp(join(tmpdir(), "aludel-power-"));
    disk.#image = join(disk.#directory, "disk");
    disk.path = join(disk.#directory, "mounted");
    try {
      await mkdir(disk.path);
      run("truncate", "-s", `${MEGABYTES}M`, disk.#image);
      run("mkfs.ext4", "-q", "-F", disk.#image);
      disk.mount();
    } catch (error) {
      await disk.discard();
      throw error;
    }
    return disk;
  }

  mount() {
    run("mount", "-o", "loop", this.#image, this.path);
    this.mounted = true;
  }

  /** Cuts the power: what no flush and no passing of time has brought to the disk is lost. */
  cut() {
    run("perl", "-e", SHUTDOWN, this.path);
  }

  /** The same disk, with power again. */
  async restart() {
    await this.unmount();
    // Mounting replays the journal.
    this.mount();
  }

  async unmount() {
    for (let tries = 0; this.mounted; tries++) {
      try {
        run("umount", this.path);
        this.mounted = false;
      } catch (error) {
        // The files of a process that was killed are closed a moment later.
        if (tries > 100) throw error;
        await sleep(50);
      }
    }
  }

  async discard() {
    await this.unmount();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
