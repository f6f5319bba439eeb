import { spawn } from 'node:child_process';

/**
 * Ends what is left of a stack when the process that made it is gone, however it went. Its standard input is a pipe
 * from that process: the system closes it even after kill -9, and then the servers named in `*.pid` are ended and the
 * folder is removed.
 */
const KEEPER_SCRIPT = `
cat > /dev/null
for signal in INT KILL; do
  for file in "$1"/*.pid; do
    [ -e "$file" ] && kill -CONT "$(cat "$file")" 2> /dev/null && kill -$signal "$(cat "$file")" 2> /dev/null
  done
  [ $signal = INT ] && sleep 2
done
rm -rf "$1"
`;

/** Starts a keeper for the folder. Calling the answer tells it to do its work now; it never keeps this process alive. */
export function startKeeper(folder: string): () => void {
  const keeper = spawn('/bin/sh', ['-c', KEEPER_SCRIPT, 'keeper', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  keeper.unref();
  const pipe = keeper.stdin;
  // The pipe is a socket under the stream; unref keeps an otherwise finished test run from waiting for it.
  if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  return () => pipe.end();
}
