/**
 * Which `Host` headers are answered. A web page can have the name of its own site resolved to this machine (DNS
 * rebinding) and then drive a server here from the browser of whoever looks at it; its requests still name that site.
 */
import { isIP } from "node:net";
import { hostname } from "node:os";

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/;

/**
 * Whether requests that name a host are meant for a server.
 * @param address what it listens on: a server on a loopback address answers this machine's names alone, another one also
 *   any IP address, since no page can have one as its site's name and point it elsewhere
 * @param extra further names, e.g. of a proxy in front
 */
export function hostCheck(address: string, extra: readonly string[] = []): (header: string) => boolean {
  const names = new Set(
    ["localhost", bare(address), ...extra.map(bare), ...(isLocal(address) ? [] : [hostname()])].map((name) =>
      name.toLowerCase(),
    ),
  );
  return (header) => {
    const host = bare(header.replace(/:\d*$/, "")).toLowerCase().replace(/\.$/, "");
    if (names.has(host) || host.endsWith(".localhost")) return true;
    return isLocal(address) ? LOOPBACK.test(host) : isIP(host) !== 0;
  };
}

function isLocal(address: string): boolean {
  return address === "localhost" || LOOPBACK.test(address);
}

/** An address without the brackets that a URL puts around one of IP version 6. */
function bare(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
