import { OPFSCoopSyncVFS } from "@journeyapps/wa-sqlite/src/examples/OPFSCoopSyncVFS.js";
import { answerWith } from "./wa-sqlite.js";

answerWith(OPFSCoopSyncVFS);
