#include "app/fdb_files.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace kelpie::app {
namespace {

constexpr std::string_view kExpected =
    "expected a cluster string like description:id@10.0.0.1:4500,10.0.0.2:4500";

// Locale plays no part, as in FoundationDB itself.
bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_word(char c) { return is_letter_or_digit(c) || c == '_'; }
bool is_host(char c) { return is_word(c) || c == '.' || c == '-'; }
bool is_ipv6(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
         c == '.';
}

bool consists_of(std::string_view text, bool (*kind)(char)) {
  return !text.empty() && std::ranges::all_of(text, kind);
}

Error bad(const std::string& why) {
  return base::invalid_argument(std::string(kExpected) + "; " + why);
}

// What counts of the file: no comments, no blanks, no line breaks.
std::string significant(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '#') {
      at = std::min(text.find_first_of("\r\n", at), text.size() - 1);
    } else if (std::string_view(" \t\r\n").find(text[at]) == std::string_view::npos) {
      out += text[at];
    }
  }
  return out;
}

Result<void> check_address(std::string_view address) {
  const std::string shown = "\"" + std::string(address) + "\"";
  constexpr std::string_view kTls = ":tls";
  if (address.ends_with(kTls)) {
    address.remove_suffix(kTls.size());
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) {
    return bad("the address " + shown + " has no port");
  }
  const std::string_view host = address.substr(0, colon);
  const std::string_view port_text = address.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, code] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (code != std::errc() || end != port_text.data() + port_text.size() || port == 0) {
    return bad("the address " + shown + " has no port from 1 to 65535");
  }
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (bracketed ? !consists_of(host.substr(1, host.size() - 2), is_ipv6)
                : !consists_of(host, is_host)) {
    return bad("the address " + shown + " has no host name, IPv4 address, or IPv6 address in []");
  }
  return kOk;
}

}  // namespace

Result<ClusterString> parse_cluster_file(std::string_view text) {
  const std::string whole = significant(text);
  if (whole.empty()) {
    return bad("there is none in it");
  }
  const size_t at = whole.find('@');
  if (at == std::string::npos) {
    return bad("got no @ in \"" + whole.substr(0, 200) + "\"");
  }
  const std::string_view key = std::string_view(whole).substr(0, at);
  const size_t colon = key.find(':');
  if (colon == std::string_view::npos) {
    return bad("got no : before the @ in \"" + std::string(key.substr(0, 200)) + "\"");
  }
  ClusterString cluster{.description = std::string(key.substr(0, colon)),
                        .id = std::string(key.substr(colon + 1)),
                        .addresses = {}};
  if (!consists_of(cluster.description, is_word)) {
    return bad("the description \"" + cluster.description +
               "\" is not of letters, digits and underscores");
  }
  if (!consists_of(cluster.id, is_letter_or_digit)) {
    return bad("the id \"" + cluster.id + "\" is not of letters and digits");
  }
  std::string_view rest = std::string_view(whole).substr(at + 1);
  for (bool more = true; more;) {
    const size_t comma = rest.find(',');
    const std::string_view address = rest.substr(0, comma);
    TRY(check_address(address));
    cluster.addresses.emplace_back(address);
    more = comma != std::string_view::npos;
    rest.remove_prefix(more ? comma + 1 : rest.size());
  }
  return cluster;
}

Result<Knobs> parse_knobs_file(const std::string& path, std::string_view text) {
  Knobs knobs;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') {
      continue;
    }
    line = line.substr(first, line.find_last_not_of(" \t\r") + 1 - first);
    const std::string place = path + ":" + std::to_string(number) + ": ";
    const size_t equals = line.find('=');
    const std::string_view name = line.substr(0, std::min(equals, line.size()));
    if (equals == std::string_view::npos || !consists_of(name, is_word) ||
        equals + 1 == line.size()) {
      return base::invalid_argument(place +
                                    "expected name=value, without blanks around the =, got \"" +
                                    std::string(line.substr(0, 200)) + "\"");
    }
    if (std::ranges::find(knobs, name, &Knobs::value_type::first) != knobs.end()) {
      return base::invalid_argument(place + "the knob " + std::string(name) + " is there twice");
    }
    knobs.emplace_back(name, line.substr(equals + 1));
  }
  return knobs;
}

}  // namespace kelpie::app
