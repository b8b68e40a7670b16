// SPDX-License-Identifier: Apache-2.0
// What moves is in tests/integration/test_net_devices.py.
#include "namespaces/net_device.hpp"

#include <gtest/gtest.h>

namespace bulkhead::namespaces {
namespace {

TEST(FillTemplate, TakesTheFirstFreeNumber) {
    EXPECT_EQ(fill_template("eth%d", {}), "eth0");
    EXPECT_EQ(fill_template("eth%d", {"lo", "eth0", "eth1", "eth3"}), "eth2");
    EXPECT_EQ(fill_template("a%db", {"a0b"}), "a1b");
}

TEST(FillTemplate, LeavesNamesAlone) {
    EXPECT_EQ(fill_template("eth0", {"eth0"}), "eth0");
    EXPECT_EQ(fill_template("eth%x", {}), "eth%x");
}

}  // namespace
}  // namespace bulkhead::namespaces
