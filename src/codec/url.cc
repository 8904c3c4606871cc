#include "codec/url.h"

#include <algorithm>
#include <charconv>

namespace kelpie::codec {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The byte that `%XX` at `at` stands for, or -1.
int escaped_byte(std::string_view text, size_t at) {
  if (at + 2 >= text.size()) {
    return -1;
  }
  const int high = hex_digit(text[at + 1]);
  const int low = hex_digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string decode_form(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? escaped_byte(text, i) : -1;
    if (byte >= 0) {
      out.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

Error bad_url(std::string_view why) {
  return base::invalid_argument("expected a URL like https://host:port/path, got " +
                                std::string(why));
}

Result<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (code != std::errc() || end != text.data() + text.size() || port == 0) {
    return bad_url("a port that is not 1 to 65535");
  }
  return port;
}

bool is_host_byte(char c) { return is_unreserved(c) || static_cast<unsigned char>(c) >= 0x80; }

Result<Ok> split_authority(std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) {
    return bad_url("one with a user name");
  }
  std::string_view rest;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) {
      return bad_url("an IPv6 address without its closing bracket");
    }
    url.host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
    if (!std::ranges::all_of(url.host,
                             [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; }) ||
        url.host.find(':') == std::string::npos) {
      return bad_url("brackets around what is not an IPv6 address");
    }
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    rest = authority.substr(colon);
    if (url.host.empty() || !std::ranges::all_of(url.host, is_host_byte)) {
      return bad_url("a host that is empty or has other characters than a name");
    }
  }
  if (rest.empty() || rest == ":") {
    return kOk;
  }
  if (!rest.starts_with(':')) {
    return bad_url("text after the host that is not a port");
  }
  url.port = TRY(parse_port(rest.substr(1)));
  return kOk;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int byte = escaped_byte(text, i);
    if (byte < 0) {
      return base::invalid_argument("expected two hexadecimal digits after the % at " +
                                    std::to_string(i));
    }
    out.push_back(static_cast<char>(byte));
    i += 2;
  }
  return out;
}

QueryParameters parse_query(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) {
      continue;
    }
    const size_t equals = std::min(pair.find('='), pair.size());
    parameters.emplace_back(decode_form(pair.substr(0, equals)),
                            decode_form(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return parameters;
}

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (scheme == "https" ? 443 : 80)) {
    text += ":" + std::to_string(port);
  }
  return text;
}

Result<Url> split_url(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) {
      return bad_url("white space or a control byte in it");
    }
  }
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return bad_url("one without a scheme");
  }
  Url url;
  for (const char c : text.substr(0, colon)) {
    url.scheme.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (url.scheme != "http" && url.scheme != "https") {
    return bad_url("a scheme that is neither http nor https");
  }
  url.port = url.scheme == "https" ? 443 : 80;
  text.remove_prefix(colon + 3);
  text = text.substr(0, text.find('#'));
  const size_t end = std::min(text.find_first_of("/?"), text.size());
  TRY(split_authority(text.substr(0, end), url));
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) {
    url.target.insert(0, "/");
  }
  return url;
}

}  // namespace kelpie::codec
