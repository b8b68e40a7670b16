// SPDX-License-Identifier: Apache-2.0
#include "cli/log_service.hpp"

#include <gtest/gtest.h>
#include <syslog.h>
#include <unistd.h>

#include "base/text.hpp"

namespace bulkhead::cli {
namespace {

TEST(ServiceOf, TakesTheTwoPrefixesAndNothingElse) {
    EXPECT_EQ(service_of("journald:box")->service, Service::journald);
    EXPECT_EQ(service_of("syslog:box")->service, Service::syslog);
    EXPECT_EQ(service_of("syslog:a:b")->id, "a:b");
    EXPECT_EQ(service_of("journald:")->id, "bulkhead");
    for (const char* file : {"", "/var/log/x", "file:journald:x", "journald", "/journald:x"})
        EXPECT_FALSE(service_of(file)) << file;
}

TEST(ServiceOf, MakesOneLineOfTheId) {
    EXPECT_EQ(service_of("journald:a\nPRIORITY=0")->id, "a\\x0aPRIORITY=0");
}

TEST(Datagram, IsWhatEachServiceReads) {
    EXPECT_EQ(datagram({Service::journald, "box"}, LOG_ERR, "no root"),
              "MESSAGE=no root\nPRIORITY=3\nSYSLOG_IDENTIFIER=box\nID=box\n");
    EXPECT_EQ(datagram({Service::syslog, "box"}, LOG_WARNING, "odd"), cat("<12>box[", ::getpid(), "]: odd"));
}

}  // namespace
}  // namespace bulkhead::cli
