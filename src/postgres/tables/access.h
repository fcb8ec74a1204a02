// access.h: reading and writing our tables as their owner, whoever calls.
//
// A scope is the extension's owner in a security-restricted operation with a search_path that
// nobody else can write to. An error ends it with the (sub)transaction, which puts user and
// settings back.
#pragma once

#include "postgres/extension.h"

extern "C" {
#include "executor/spi.h"
}

namespace presence {

class TableAccess {
 public:
  void begin();
  // The same for statements that join arrays of users with the tables.
  void begin_many();
  // The same for the worker's writes, which wait for no lock for long. What the application's
  // triggers and constraints would defer to COMMIT is done by the statement: in a
  // security-restricted operation nothing can be deferred.
  void begin_worker();
  // A setting for the rest of the innermost scope.
  static void set(const char* name, const char* value);
  void end();

 private:
  Oid caller_;
  int caller_context_;
  int settings_level_;
};

// True while a scope of ours is open: then the guard on the tables lets writes through.
bool is_our_access();

// In _PG_init: errors close scopes.
void init_table_access();

// A statement that is planned once. `%s` in the text is the quoted schema.
struct Statement {
  static constexpr int max_arguments = 14;

  const char* text;
  int arguments;
  Oid types[max_arguments];
  SPIPlanPtr plan = nullptr;
  uint64_t generation = 0;
};

// Plans it unless that has been done, in an open scope.
SPIPlanPtr prepare(Statement& statement);

// Runs it in an open scope; `nulls` as SPI_execute_plan wants them. Sees the latest
// committed rows unless the transaction has one snapshot for all. Returns the rows.
uint64 run(Statement& statement, Datum* values, const char* nulls);
// The same for a query that changes nothing, with a snapshot of its own even then.
uint64 run_fresh(Statement& statement, Datum* values, const char* nulls);

// Column `number` (from 1) of row `row` of the last result; empty and null are told apart.
bool get_value(uint64 row, int number, Datum& value);
std::string_view text_of(Datum value);
Datum text_datum(std::string_view text);

}  // namespace presence
