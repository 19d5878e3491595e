// Appends to a log until it is killed, and says after each append which number is in it.
import { writeSync } from 'node:fs';
import { AuditLog } from 'deputize';

const [path, rotateAt, sync, writer] = process.argv.slice(2);
const log = new AuditLog(path, { origin: 'acme.example/calls', rotateAt: Number(rotateAt), sync: sync === 'sync' });
for (let number = 0; ; number++) {
  log.appendJson([JSON.stringify({ kind: 'test', number, writer })]);
  writeSync(1, `${number}\n`);
}
