// batches.cpp: batches of random users, sent as an application sends them: as arrays, to a prepared
// statement. pgbench has no arrays, and ids that the server makes or knows would neither be sent
// nor read.
//
//   bench_batches CONNINFO KIND USERS SIZE SECONDS
//
// A batch is SIZE different users out of 1 to USERS, in one transaction, and one round trip unless
// the kind says otherwise. Each is waited for, as redis_facts.cpp and redis-benchmark wait for each
// of their pipelines. Prints how many users were done in a second.
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

  // Never the same one twice, nor those of another run, so that each is a change.
  Texts messages(std::size_t size) {
    Texts messages;
    for (std::size_t i = 0; i < size; i++) messages.push_back("m" + std::to_string(++changes_));
    return messages;
  }

 private:
  std::vector<int> users_;
  std::minstd_rand engine_{std::random_device{}()};
  long changes_ = static_cast<long>(std::random_device{}());
};

// An array in the text format. None of these elements needs quotes.
std::string array_of(const Texts& elements) {
  std::string text;
  for (const std::string& element : elements) (text += text.empty() ? '{' : ',') += element;
  return text + '}';
}

// ---- what comes back: how many users it tells of ----------------------------

using Count = std::size_t (*)(const PGresult* result);

std::size_t number_in(const PGresult* result) {
  return std::strtoul(PQgetvalue(result, 0, 0), nullptr, 10);
}

std::size_t rows_of(const PGresult* result) {
  return std::strtoul(PQcmdTuples(const_cast<PGresult*>(result)), nullptr, 10);
}

// ---- connection ------------------------------------------------------------

// In pipeline mode: what is sent until a sync is a transaction.
class Session {
 public:
  Session(const char* conninfo, const char* statement, Count users_of)
      : connection_(PQconnectdb(conninfo)), users_of_(users_of) {
    check(PQstatus(connection_) == CONNECTION_OK);
    PGresult* result = PQprepare(connection_, statement_name, statement, 0, nullptr);
    check(PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
    check(PQenterPipelineMode(connection_));
  }
  Session(const Session&) = delete;
  ~Session() { PQfinish(connection_); }

  void send(const Texts& parameters) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    check(PQsendQueryPrepared(connection_, statement_name, static_cast<int>(values.size()),
                              values.data(), nullptr, nullptr, 0));
  }

  void send_sync() { check(PQpipelineSync(connection_)); }

  // Has the server answer before the sync.
  void send_flush() { check(PQsendFlushRequest(connection_)); }

  // How many users the next result tells of.
  std::size_t take() {
    PGresult* result = PQgetResult(connection_);
    const ExecStatusType status = PQresultStatus(result);
    check(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK);
    const std::size_t users = users_of_(result);
    PQclear(result);
    check(PQgetResult(connection_) == nullptr);  // A statement has one result.
    return users;
  }

  void take_sync() {
    PGresult* result = PQgetResult(connection_);
    check(PQresultStatus(result) == PGRES_PIPELINE_SYNC);
    PQclear(result);
  }

 private:
  void check(bool is_good) const {
    if (!is_good) throw std::runtime_error(PQerrorMessage(connection_));
  }

  PGconn* connection_;
  Count users_of_;
};

// ---- batches: each returns how many users it was told of -------------------

std::size_t exchange(Session& session, const Texts& parameters) {
  session.send(parameters);
  session.send_sync();
  const std::size_t users = session.take();
  session.take_sync();
  return users;
}

std::size_t array_of_ids(Session& session, Source& source, std::size_t size) {
  return exchange(session, {array_of(source.ids(size))});
}

std::size_t arrays_of_changes(Session& session, Source& source, std::size_t size) {
  return exchange(session, {array_of(source.ids(size)), array_of(source.statuses(size)),
                            array_of(source.messages(size))});
}

// A call for each user, as a loop of an application makes them: a round trip each.
std::size_t awaited_calls(Session& session, Source& source, std::size_t size) {
  const Texts ids = source.ids(size), statuses = source.statuses(size),
              messages = source.messages(size);
  std::size_t users = 0;
  for (std::size_t i = 0; i < size; i++) {
    session.send({ids[i], statuses[i], messages[i]});
    session.send_flush();
    users += session.take();
  }
  session.send_sync();
  session.take_sync();
  return users;
}

// The same calls in one round trip, as drivers make them that have batches of calls.
std::size_t pipelined_calls(Session& session, Source& source, std::size_t size) {
  const Texts ids = source.ids(size), statuses = source.statuses(size),
              messages = source.messages(size);
  for (std::size_t i = 0; i < size; i++) session.send({ids[i], statuses[i], messages[i]});
  session.send_sync();
  std::size_t users = 0;
  for (std::size_t i = 0; i < size; i++) users += session.take();
  session.take_sync();
  return users;
}

// ---- kinds -----------------------------------------------------------------

struct Kind {
  std::string_view name;
  const char* statement;
  std::size_t (*run)(Session& session, Source& source, std::size_t size);
  Count users_of;
};

constexpr const char* set_status = "SELECT presence_set_status($1, $2, $3)";

constexpr Kind kinds[] = {
    {"touch-many", "SELECT presence_touch_many($1)", array_of_ids, number_in},
    {"set-status-many", "SELECT presence_set_status_many($1, $2, $3)", arrays_of_changes,
     number_in},
    {"set-status-calls", set_status, awaited_calls, rows_of},
    {"set-status-pipelined", set_status, pipelined_calls, rows_of},
    {"get-many", "SELECT * FROM presence_get_many($1)", array_of_ids, rows_of},
    // The rows that presence_set_status_many writes, in tables like presence's.
    {"rows-by-hand",
     "WITH wanted AS (SELECT unnest($1::text[]) AS user_id, unnest($2::text[]) AS status,"
     " unnest($3::text[]) AS status_message), "
     "changed AS (UPDATE by_hand.user_presence AS p SET status = wanted.status,"
     " status_message = wanted.status_message, last_seen = now(), updated_at = now()"
     " FROM wanted WHERE p.user_id = wanted.user_id RETURNING p.user_id, p.status) "
     "INSERT INTO by_hand.presence_history"
     " (user_id, previous_status, new_status, changed_at, change_reason)"
     " SELECT user_id, 'online', status, now(), 'manual' FROM changed",
     arrays_of_changes, rows_of},
    // As many such rows out of a function that looks nobody up.
    {"same-rows", "SELECT * FROM public.same_rows($1)", array_of_ids, rows_of},
    {"same-rows-chosen", "SELECT * FROM public.same_rows($1, 'in a call till noon')", array_of_ids,
     rows_of},
};

const Kind* kind_named(std::string_view name) {
  for (const Kind& kind : kinds)
    if (kind.name == name) return &kind;
  return nullptr;
}

double users_a_second(const char* conninfo, const Kind& kind, int users, std::size_t size,
                      int seconds) {
  Session session(conninfo, kind.statement, kind.users_of);
  Source source(users);
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::seconds(seconds);
  std::size_t done = 0;
  for (; Clock::now() < end; done += size)
    if (kind.run(session, source, size) != size) throw std::runtime_error("not all of a batch");
  return static_cast<double>(done) / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  const Kind* kind = argc == 6 ? kind_named(argv[2]) : nullptr;
  const int users = kind != nullptr ? std::atoi(argv[3]) : 0;
  const int size = kind != nullptr ? std::atoi(argv[4]) : 0;
  if (size < 1 || size > users) {
    std::fprintf(stderr, "usage: bench_batches CONNINFO KIND USERS SIZE SECONDS\nkinds:");
    for (const Kind& each : kinds) std::fprintf(stderr, " %s", each.name.data());
    std::fprintf(stderr, "\n");
    return 2;
  }
  try {
    std::printf("%.1f\n", users_a_second(argv[1], *kind, users, static_cast<std::size_t>(size),
                                         std::atoi(argv[5])));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_batches: %s\n", error.what());
    return 1;
  }
}
