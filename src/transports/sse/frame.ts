/**
 * One event as Server-Sent Events writes it: lines that end with LF, a space after each colon, one data line. JSON has
 * no raw line feeds, so data is always one line.
 */
export function frame(event: string, data: string, id?: string): string {
  return id === undefined ? `event: ${event}\ndata: ${data}\n\n` : `event: ${event}\ndata: ${data}\nid: ${id}\n\n`;
}
