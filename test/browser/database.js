// database.js: the database that the gateway serves, from the PG* environment. Its server has the short timeouts that
// the tests wait for, with room for a slow browser within each.
import pg from 'pg';

const needed = { 'presence.idle_timeout': '10s', 'presence.disconnect_grace': '10s', 'presence.typing_timeout': '8s' };

// Returns a connection to a new presence, without anybody.
export async function openDatabase() {
  const database = new pg.Client({ options: '-c search_path=presence,public' });
  await database.connect();
  for (const [name, value] of Object.entries(needed)) {
    const { rows } = await database.query('SELECT current_setting($1) AS value', [name]);
    if (rows[0]?.value !== value) throw new Error(`the server needs ${name} = '${value}', it has ${rows[0]?.value}`);
  }
  await database.query('DROP SCHEMA IF EXISTS presence CASCADE');
  await database.query('CREATE SCHEMA presence');
  await database.query('CREATE EXTENSION presence SCHEMA presence');
  return database;
}
