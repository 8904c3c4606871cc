#include "api/auth.h"

#include <gtest/gtest.h>

#include <vector>

namespace kelpie::api {
namespace {

TEST(Auth, ComparisonSaysWhetherTheBytesAreTheSame) {
  struct Row {
    std::string_view given, expected;
    bool same;
  };
  for (const Row& row : std::vector<Row>{{"", "", true},
                                         {"a", "", false},
                                         {"", "a", false},
                                         {"secret", "secret", true},
                                         {"secreT", "secret", false},
                                         {"Secret", "secret", false},
                                         {"secre", "secret", false},
                                         {"secretsecret", "secret", false},
                                         {"aaa", "a", false},
                                         {std::string_view("a\0", 2), "a", false},
                                         {"\xff\x80", "\xff\x80", true}}) {
    EXPECT_EQ(equal_in_constant_time(row.given, row.expected), row.same)
        << row.given << " " << row.expected;
  }
}

TEST(Auth, WithoutAKeyEveryoneMayCall) {
  EXPECT_TRUE(authorised({}, ""));
  EXPECT_TRUE(authorised({{"authorization", "Bearer whatever"}}, ""));
}

TEST(Auth, AKeyIsTakenAsBearerOrAsPasswordAndInNoOtherWay) {
  struct Row {
    net::Headers headers;
    bool allowed;
  };
  const std::vector<Row> rows = {
      {{}, false},
      {{{"authorization", "Bearer k"}}, true},
      {{{"x-bare-password", "password k"}}, true},
      {{{"authorization", "Bearer wrong"}, {"x-bare-password", "password k"}}, true},
      {{{"authorization", "Bearer k2"}}, false},
      {{{"authorization", "Bearer "}}, false},
      {{{"authorization", "Bearer"}}, false},
      {{{"authorization", "k"}}, false},
      {{{"authorization", "password k"}}, false},
      {{{"authorization", "Basic k"}}, false},
      {{{"authorization", " Bearer k"}}, false},
      {{{"authorization", "Bearer k "}}, false},
      {{{"x-bare-password", "Bearer k"}}, false},
      {{{"x-bare-password", "k"}}, false},
      {{{"cookie", "Bearer k"}}, false},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(authorised(rows[i].headers, "k"), rows[i].allowed) << "row " << i;
  }
}

TEST(Auth, WithoutAKeyOnlyItsOwnHostsAndOriginsAreAnswered) {
  const std::vector<std::string> allowed_hosts = {"Kelpie.example"};
  struct Row {
    const char* host;
    const char* origin;  // nullptr: none
    bool answered;
  };
  for (const Row& row :
       std::vector<Row>{// Hosts.
                        {"127.0.0.1:8283", nullptr, true},
                        {"10.0.0.7", nullptr, true},
                        {"[::1]:8283", nullptr, true},
                        {"[fe80::1]", nullptr, true},
                        {"localhost", nullptr, true},
                        {"LocalHost:1", nullptr, true},
                        {"kelpie.example:8283", nullptr, true},
                        {"KELPIE.EXAMPLE", nullptr, true},
                        {"", nullptr, false},
                        {"evil.example", nullptr, false},
                        {"evil.example:8283", nullptr, false},
                        {"localhost.evil.example", nullptr, false},
                        {"evil.localhost", nullptr, false},
                        {"127.0.0.1.evil.example", nullptr, false},
                        {"127.0.0.1.", nullptr, false},
                        {"127.0.0", nullptr, false},
                        {"127.0.0.256", nullptr, false},
                        {"127.0.0.-1", nullptr, false},
                        {"a.kelpie.example", nullptr, false},
                        {"[evil.example]", nullptr, false},
                        {"::1", nullptr, false},
                        {"localhost:x", nullptr, false},
                        {"localhost/x", nullptr, false},
                        {"localhost#x", nullptr, false},
                        {"evil@localhost", nullptr, false},
                        {"localhost, evil.example", nullptr, false},
                        // Origins.
                        {"localhost:8283", "http://localhost:8283", true},
                        {"localhost:8283", "http://LOCALHOST:8283", true},
                        {"localhost", "http://localhost", true},
                        {"localhost", "http://localhost:80", true},
                        {"[::1]:8283", "http://[::1]:8283", true},
                        {"kelpie.example", "https://kelpie.example", true},
                        {"localhost:8283", "http://localhost", false},
                        {"localhost:8283", "http://localhost:3000", false},
                        {"localhost:8283", "http://127.0.0.1:8283", false},
                        {"127.0.0.1:8283", "https://evil.example", false},
                        {"127.0.0.1:8283", "http://evil.example:8283", false},
                        {"127.0.0.1:8283", "null", false},
                        {"127.0.0.1:8283", "", false},
                        {"127.0.0.1:8283", "file://", false},
                        {"127.0.0.1:8283", "app://127.0.0.1:8283", false},
                        {"127.0.0.1:8283", "http://127.0.0.1:8283@evil.example", false},
                        {"127.0.0.1:8283", "http://127.0.0.1:8283/path", false},
                        // A name that is made to resolve to this machine: the origins are the same.
                        {"evil.example:8283", "http://evil.example:8283", false}}) {
    net::Headers headers = {{"host", row.host}};
    if (row.origin != nullptr) {
      headers.emplace_back("origin", row.origin);
    }
    EXPECT_EQ(!refusal_without_key(headers, allowed_hosts).has_value(), row.answered)
        << row.host << " " << (row.origin == nullptr ? "-" : row.origin);
  }
}

TEST(Auth, WithoutAKeyEveryOriginMustBeOursAndAHostIsNeeded) {
  EXPECT_TRUE(refusal_without_key({}, {}).has_value());
  EXPECT_TRUE(refusal_without_key({{"host", "kelpie.example"}}, {}).has_value());
  EXPECT_TRUE(refusal_without_key({{"host", "localhost"},
                                   {"origin", "http://localhost"},
                                   {"origin", "http://evil.example"}},
                                  {})
                  .has_value());
}

TEST(Auth, ARefusalSaysWhatWasExpectedAndWhatToDo) {
  const auto host = refusal_without_key({{"host", "evil.example"}}, {});
  const auto origin = refusal_without_key({{"host", "localhost"}, {"origin", "null"}}, {});
  ASSERT_TRUE(host.has_value());
  ASSERT_TRUE(origin.has_value());
  EXPECT_NE(host->find("localhost"), std::string::npos) << *host;
  EXPECT_NE(host->find("set an API key"), std::string::npos) << *host;
  EXPECT_NE(origin->find("no Origin header"), std::string::npos) << *origin;
  EXPECT_NE(origin->find("set an API key"), std::string::npos) << *origin;
}

}  // namespace
}  // namespace kelpie::api
