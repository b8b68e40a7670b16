// SPDX-License-Identifier: Apache-2.0
// A cgroup with device programs, and nodes to try them on.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdlib>

#include "cgroups/devices/bpf_call.hpp"
#include "cgroups/devices/device_filter.hpp"
#include "cgroups/devices/devices.hpp"
#include "kernel_fixture.hpp"

namespace bulkhead::cgroups::testing {

// With a folder for nodes on a file system that allows them.
class DeviceTest : public CgroupTest {
  protected:
    void SetUp() override {
        CgroupTest::SetUp();
        if (!IsSkipped()) folder = ::mkdtemp(name.data());
    }
    void TearDown() override {
        if (!folder.empty()) {
            ::unlink(node().c_str());
            ::rmdir(folder.c_str());
        }
        CgroupTest::TearDown();
    }
    std::string node() const { return folder + "/node"; }

    // errno of an act within the cgroup, 0 for success
    template <class Act>
    int inside(int cgroup, Act act) {
        return in_child([&] {
            if (!write_kernel_file(cgroup, "cgroup.procs", "0")) return 255;
            return act() == -1 ? errno : 0;
        });
    }
    int make_node(int cgroup, mode_t type, unsigned major, unsigned minor) {
        ::unlink(node().c_str());
        return inside(cgroup, [&] { return ::mknod(node().c_str(), type | 0600, makedev(major, minor)); });
    }
    int open_node(int cgroup, const std::string& device, int flags) {
        return inside(cgroup, [&] { return ::open(device.c_str(), flags | O_NONBLOCK | O_CLOEXEC); });
    }

    std::string name = "/tmp/bh-test-devices-XXXXXX";
    std::string folder;
};

}  // namespace bulkhead::cgroups::testing
