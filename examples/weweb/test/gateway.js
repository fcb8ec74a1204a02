// A gateway for one test: a real WebSocket server that speaks clients/js/PROTOCOL.md about people who are written down here.
import { WebSocketServer } from 'ws';

export async function startGateway(users) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/presence' });
  await new Promise((resolve) => server.once('listening', resolve));
  const calls = [];
  let seq = 100;

  server.on('connection', (socket, request) => {
    const userId = new URL(request.url, 'http://gateway').searchParams.get('user_id');
    const answers = {
      hello: () => ({ user_id: userId, session_id: 's1', status: 'online', epoch: 'e1', seq, heartbeat_every: 30_000 }),
      subscribe: ({ channel }) => {
        socket.send(JSON.stringify({ snapshot: { channel, epoch: 'e1', seq, truncated: false, users, typing: [] } }));
        return { channel, epoch: 'e1', seq };
      },
      set_status: ({ status }) => {
        if (status === 'asleep') throw { code: '22023', message: 'invalid status "asleep"', hint: null };
        return { status };
      },
    };
    socket.on('message', (data) => {
      const call = JSON.parse(data);
      calls.push({ ...call, userId });
      if (call.ref === undefined) return;
      try {
        socket.send(JSON.stringify({ ref: call.ref, result: answers[call.call]?.(call) ?? true }));
      } catch (error) {
        socket.send(JSON.stringify({ ref: call.ref, error }));
      }
    });
  });

  return {
    url: `ws://127.0.0.1:${server.address().port}/presence`,
    calls,
    clients: server.clients,
    tell(event) {
      const told = { v: 1, epoch: 'e1', prev: seq, seq: ++seq, channel: 'global_presence', ...event };
      for (const socket of server.clients) socket.send(JSON.stringify({ event: told }));
    },
    stop() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}
