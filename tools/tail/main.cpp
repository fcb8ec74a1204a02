// presence-tail: prints the events of channels as they come. The exit code is 0 when a signal ended
// it, 1 when the server refuses, 2 when there is no connection to begin with.
#include <exception>

#include "follower.h"
#include "options.h"
#include "printer.h"
#include "signals.h"

int main(int argc, char** argv) {
  const tail::CommandLine line = tail::parse_command_line(argc, argv);
  if (line.exit_code) return *line.exit_code;
  tail::catch_signals();
  try {
    const auto printer = tail::make_printer(line.options);
    tail::Follower(line.options, *printer).run();
  } catch (const tail::Interrupted&) {
    return 0;
  } catch (const tail::ConnectionLost& error) {
    tail::print_remark(error.what());
    return 2;
  } catch (const std::exception& error) {
    tail::print_remark(error.what());
    return 1;
  }
}
