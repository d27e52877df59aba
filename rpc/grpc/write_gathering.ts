/**
 * gRPC writes the head of an answer, its message and its trailers one after
 * the other, and each reaches the socket by a system call of its own: with
 * hundreds of answers at a time that is a quarter of what a server does.
 */
import type { Writable } from "node:stream";
import { setImmediate } from "node:timers";

/**
 * Sends what is written to the socket in one turn of the event loop together,
 * once the turn is over. Nothing is held back from a socket that is ended or
 * destroyed.
 */
export function gatherWrites(socket: Writable): void {
  const { write, destroy } = socket;
  let isGathering = false;
  const send = () => {
    if (!isGathering) return;
    isGathering = false;
    socket.uncork();
  };
  socket.write = (...args: unknown[]) => {
    if (!isGathering) {
      isGathering = true;
      socket.cork();
      setImmediate(send);
    }
    return Reflect.apply(write, socket, args);
  };
  socket.destroy = (error) => {
    send();
    return Reflect.apply(destroy, socket, [error]);
  };
}
