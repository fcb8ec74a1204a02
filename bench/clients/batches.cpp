// batches.cpp: batches of random users, sent as an application sends them: as arrays, to a prepared
// statement. pgbench has no arrays, and ids that the server makes or knows would neither be sent
// nor read.
//
//   bench_batches CONNINFO KIND USERS SIZE DEPTH SECONDS
//
// A batch is SIZE different users out of 1 to USERS, in one transaction. So many batches as DEPTH
// are under way at a time. Prints how many users were done in a second.
#include <libpq-fe.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Texts = std::vector<std::string>;

constexpr const char* statement_name = "batch";

// ---- what is sent ----------------------------------------------------------

// Ids, and for each a status and a message; those that redis_facts.cpp sends, too.
class Source {
 public:
  explicit Source(int users) : users_(static_cast<std::size_t>(users)) {
    std::iota(users_.begin(), users_.end(), 1);
  }

  // Different ones: the beginning of a shuffle.
  Texts ids(std::size_t size) {
    Texts ids;
    for (std::size_t i = 0; i < size; i++) {
      std::uniform_int_distribution<std::size_t> rest(i, users_.size() - 1);
      std::swap(users_[i], users_[rest(engine_)]);
      ids.push_back(std::to_string(users_[i]));
    }
    return ids;
  }

  Texts statuses(std::size_t size) const {
    Texts statuses;
    for (std::size_t i = 0; i < size; i++) statuses.push_back(i % 2 == 0 ? "busy" : "away");
    return statuses;
  }

  // Never the same one twice, so that each is a change.
  Texts messages(std::size_t size) {
    Texts messages;
    for (std::size_t i = 0; i < size; i++) messages.push_back("m" + std::to_string(++changes_));
    return messages;
  }

 private:
  std::vector<int> users_;
  std::minstd_rand engine_;
  long changes_ = 0;
};

// An array in the text format. None of these elements needs quotes.
std::string array_of(const Texts& elements) {
  std::string text;
  for (const std::string& element : elements) (text += text.empty() ? '{' : ',') += element;
  return text + '}';
}

void execute(PGconn* connection, const Texts& parameters) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  if (!PQsendQueryPrepared(connection, statement_name, static_cast<int>(values.size()),
                           values.data(), nullptr, nullptr, 0))
    throw std::runtime_error(PQerrorMessage(connection));
}

void send_ids(PGconn* connection, Source& source, std::size_t size) {
  execute(connection, {array_of(source.ids(size))});
}

void send_changes(PGconn* connection, Source& source, std::size_t size) {
  execute(connection, {array_of(source.ids(size)), array_of(source.statuses(size)),
                       array_of(source.messages(size))});
}

// One call for each, none of which waits for the one before it: what drivers do with a batch of
// calls.
void send_single_changes(PGconn* connection, Source& source, std::size_t size) {
  const Texts ids = source.ids(size);
  const Texts statuses = source.statuses(size);
  const Texts messages = source.messages(size);
  for (std::size_t i = 0; i < size; i++) execute(connection, {ids[i], statuses[i], messages[i]});
}

// ---- what comes back: how many users it tells of ----------------------------

std::size_t number_in(const PGresult* result) {
  return std::strtoul(PQgetvalue(result, 0, 0), nullptr, 10);
}

std::size_t rows_of(const PGresult* result) {
  return std::strtoul(PQcmdTuples(const_cast<PGresult*>(result)), nullptr, 10);
}

// ---- kinds -----------------------------------------------------------------

struct Kind {
  std::string_view name;
  const char* statement;
  void (*send)(PGconn* connection, Source& source, std::size_t size);
  std::size_t (*users_of)(const PGresult* result);
};

constexpr Kind kinds[] = {
    {"touch-many", "SELECT presence_touch_many($1)", send_ids, number_in},
    {"set-status-many", "SELECT presence_set_status_many($1, $2, $3)", send_changes, number_in},
    {"set-status", "SELECT presence_set_status($1, $2, $3)", send_single_changes, rows_of},
    {"get-many", "SELECT * FROM presence_get_many($1)", send_ids, rows_of},
    // The rows that presence_set_status_many writes, in the guide's tables.
    {"rows-by-hand",
     "WITH wanted AS (SELECT unnest($1::text[]) AS user_id, unnest($2::text[]) AS status,"
     " unnest($3::text[]) AS status_message), "
     "changed AS (UPDATE logged.user_presence AS p SET status = wanted.status,"
     " status_message = wanted.status_message, last_seen = now(), updated_at = now()"
     " FROM wanted WHERE p.user_id = wanted.user_id RETURNING p.user_id, p.status) "
     "INSERT INTO logged.presence_history (user_id, previous_status, new_status, change_reason)"
     " SELECT user_id, 'online', status, 'manual' FROM changed",
     send_changes, rows_of},
    // Rows as presence_get_many returns them, out of a table that has just so many: the ids are
    // received and read, but not looked up. Finding them in an index is not part of the limit,
    // presence need not do it either.
    {"same-rows", "SELECT * FROM same_rows WHERE $1::text[] IS NOT NULL", send_ids, rows_of},
};

const Kind* kind_named(std::string_view name) {
  for (const Kind& kind : kinds)
    if (kind.name == name) return &kind;
  return nullptr;
}

// ---- batches ---------------------------------------------------------------

PGconn* connect(const char* conninfo, const Kind& kind) {
  PGconn* connection = PQconnectdb(conninfo);
  if (PQstatus(connection) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection));
  PGresult* result = PQprepare(connection, statement_name, kind.statement, 0, nullptr);
  if (PQresultStatus(result) != PGRES_COMMAND_OK)
    throw std::runtime_error(PQerrorMessage(connection));
  PQclear(result);
  if (!PQenterPipelineMode(connection)) throw std::runtime_error("no pipeline mode");
  return connection;
}

// What is sent until a sync is a transaction.
void send_sync(PGconn* connection) {
  if (!PQpipelineSync(connection)) throw std::runtime_error(PQerrorMessage(connection));
}

// All results until the sync; how many users they tell of.
std::size_t take_results(PGconn* connection, const Kind& kind) {
  std::size_t users = 0;
  for (;;) {
    PGresult* result = PQgetResult(connection);
    if (result == nullptr) continue;  // between two statements
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
      users += kind.users_of(result);
    else if (status != PGRES_PIPELINE_SYNC)
      throw std::runtime_error(PQresultErrorMessage(result));
    PQclear(result);
    if (status == PGRES_PIPELINE_SYNC) return users;
  }
}

double users_a_second(PGconn* connection, const Kind& kind, int users, std::size_t size, int depth,
                      int seconds) {
  Source source(users);
  const auto send = [&] {
    kind.send(connection, source, size);
    send_sync(connection);
  };
  std::size_t done = 0;
  const auto take = [&] {
    if (take_results(connection, kind) != size) throw std::runtime_error("not all of a batch");
    done += size;
  };
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::seconds(seconds);
  for (int i = 0; i < depth; i++) send();
  while (Clock::now() < end) {
    take();
    send();
  }
  for (int i = 0; i < depth; i++) take();
  return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  const Kind* kind = argc == 7 ? kind_named(argv[2]) : nullptr;
  const int users = kind != nullptr ? std::atoi(argv[3]) : 0;
  const int size = kind != nullptr ? std::atoi(argv[4]) : 0;
  const int depth = kind != nullptr ? std::atoi(argv[5]) : 0;
  if (size < 1 || size > users || depth < 1) {
    std::fprintf(stderr, "usage: bench_batches CONNINFO KIND USERS SIZE DEPTH SECONDS\nkinds:");
    for (const Kind& each : kinds) std::fprintf(stderr, " %s", each.name.data());
    std::fprintf(stderr, "\n");
    return 2;
  }
  try {
    PGconn* connection = connect(argv[1], *kind);
    std::printf("%.1f\n", users_a_second(connection, *kind, users, static_cast<std::size_t>(size),
                                         depth, std::atoi(argv[6])));
    PQfinish(connection);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_batches: %s\n", error.what());
    return 1;
  }
}
