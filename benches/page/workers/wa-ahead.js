import { OPFSWriteAheadVFS } from "@journeyapps/wa-sqlite/src/examples/OPFSWriteAheadVFS.js";
import { answerWith } from "./wa-sqlite.js";

answerWith(OPFSWriteAheadVFS);
