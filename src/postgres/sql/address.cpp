// address.cpp: what is left of a forwarded address.
#include "postgres/sql/address.h"

#include <algorithm>

#include "postgres/tables/access.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/inet.h"
}

namespace presence {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// RFC 7239 puts an IPv6 address into brackets, with the port behind them.
std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  const auto colons = std::count(text.begin(), text.end(), ':');
  return colons == 1 ? text.substr(0, text.find(':')) : text;
}

// As type inet writes it; empty when it is none.
std::string_view normalised(std::string_view text) {
  constexpr std::size_t longest = sizeof "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128";
  char copy[longest];
  unsigned char address[17];
  if (text.empty() || text.size() >= sizeof copy || text.find('/') != text.npos) return {};
  *std::copy(text.begin(), text.end(), copy) = '\0';
  const bool is_v4 = text.find(':') == text.npos;
  const int family = is_v4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
  if (pg_inet_net_pton(family, copy, address, -1) < 0) return {};
  char* written = static_cast<char*>(palloc(longest));
  const int bits = is_v4 ? 32 : 128;
  return pg_inet_net_ntop(family, address, bits, written, longest) ? std::string_view(written)
                                                                   : std::string_view{};
}

}  // namespace

std::string_view address_argument(FunctionCallInfo call, int number) {
  if (call->args[number].isnull) return {};
  const std::string_view given = text_of(call->args[number].value);
  return normalised(without_port(trimmed(given.substr(0, given.find(',')))));
}

}  // namespace presence
