// SPDX-License-Identifier: Apache-2.0
#include "spec/kernel_parameters.hpp"

#include <gtest/gtest.h>

#include "support.hpp"

namespace bulkhead::spec::test {
namespace {

std::string path_of(std::string_view key) { return kernel_parameter_path(key).value_or("none"); }

TEST(KernelParameterPath, TakesBothForms) {
    EXPECT_EQ(path_of("net.ipv4.ip_forward"), "net/ipv4/ip_forward");
    EXPECT_EQ(path_of("net/ipv4/ip_forward"), "net/ipv4/ip_forward");
    EXPECT_EQ(path_of("net.ipv4.conf.eno2/100.rp_filter"), "net/ipv4/conf/eno2.100/rp_filter");
    EXPECT_EQ(path_of("net/ipv4/conf/eno2.100/rp_filter"), "net/ipv4/conf/eno2.100/rp_filter");
    EXPECT_EQ(path_of("net.ipv4.conf.a-b:1@2.mtu"), "net/ipv4/conf/a-b:1@2/mtu");
    EXPECT_EQ(path_of("net.x//y"), "net/x..y");  // a name with two dots in it, and no way up
    EXPECT_EQ(path_of("word"), "word");
}

TEST(KernelParameterPath, RefusesWhatWalksElsewhere) {
    using namespace std::string_view_literals;
    for (const auto key : {""sv, "."sv, "/"sv, "net."sv, ".net"sv, "/net/x"sv, "net..x"sv, "net//x"sv,
                           "net/../kernel/hostname"sv, "net/./x"sv, "net....kernel.hostname"sv,
                           "net.//.kernel"sv, "fs/mqueue/../../kernel/core_pattern"sv, "net.x\ny"sv,
                           "net.x\0y"sv, "net.x y"sv, "net.x=y"sv, "net.\xc3\xa9"sv, "net.*.x"sv})
        EXPECT_EQ(path_of(key), "none") << key;
}

TEST(NamespaceOfParameter, IsThatOfTheList) {
    EXPECT_EQ(namespace_of_parameter("net/core/somaxconn"), NamespaceType::network);
    EXPECT_EQ(namespace_of_parameter("kernel/msgmax"), NamespaceType::ipc);
    EXPECT_EQ(namespace_of_parameter("kernel/shm_rmid_forced"), NamespaceType::ipc);
    EXPECT_EQ(namespace_of_parameter("fs/mqueue/msg_max"), NamespaceType::ipc);
    EXPECT_EQ(namespace_of_parameter("kernel/domainname"), NamespaceType::uts);
    EXPECT_EQ(namespace_of_parameter("user/max_user_namespaces"), NamespaceType::user);
    for (const char* shared : {"net", "networks/x", "kernel/msgmaxx", "kernel/core_pattern",
                               "kernel/hostname", "fs/mqueue", "fs/file-max", "vm/swappiness", "username/x"})
        EXPECT_EQ(namespace_of_parameter(shared), std::nullopt) << shared;
}

std::string with_sysctl(const std::string& key, std::string_view value) {
    auto tree = nlohmann::json::parse(default_document());
    tree["linux"]["sysctl"][key] = value;
    return verdict(tree.dump());
}

TEST(Sysctls, AreTakenWhereTheNamespaceIsTheContainers) {
    for (const char* key : {"net.core.somaxconn", "net/core/somaxconn", "kernel.sem", "fs.mqueue.msg_max",
                            "kernel.domainname", "kernel/shmmax"})
        EXPECT_EQ(with_sysctl(key, "1"), "fine") << key;
    EXPECT_EQ(with_sysctl("kernel.sem", "250 32000 32 128"), "fine");
}

TEST(Sysctls, OfTheMachineAreRefused) {
    EXPECT_EQ(with_sysctl("kernel.core_pattern", "|/x"),
              "config.json: /linux/sysctl/kernel.core_pattern: sysctl \"kernel.core_pattern\" is not in a "
              "separate kernel namespace");
    EXPECT_EQ(with_sysctl("kernel/hostname", "x"),
              "config.json: /linux/sysctl/kernel~1hostname: sysctl \"kernel/hostname\" is not allowed as it "
              "conflicts with the OCI \"hostname\" field");
    EXPECT_EQ(
        with_sysctl("user.max_user_namespaces", "1"),
        "config.json: /linux/sysctl/user.max_user_namespaces: sysctl \"user.max_user_namespaces\" is not "
        "allowed in the hosts user namespace");
}

TEST(Sysctls, NeedTheirNamespace) {
    const auto without_namespaces = [](std::string key) {
        auto tree = nlohmann::json::parse(default_document());
        tree["linux"]["sysctl"][key] = "1";
        tree["linux"]["namespaces"] = {{{"type", "mount"}}};
        tree.erase("hostname");
        const std::string error = verdict(tree.dump());
        return error.substr(std::min(error.size(), error.find("sysctl \"")));
    };
    EXPECT_EQ(without_namespaces("net.core.somaxconn"),
              "sysctl \"net.core.somaxconn\" not allowed in host network namespace");
    EXPECT_EQ(without_namespaces("kernel.shmmax"),
              "sysctl \"kernel.shmmax\" is not allowed in the hosts ipc namespace");
    EXPECT_EQ(without_namespaces("fs/mqueue/msg_max"),
              "sysctl \"fs/mqueue/msg_max\" is not allowed in the hosts ipc namespace");
    for (const char* name : {"kernel.domainname", "kernel.hostname"})
        EXPECT_EQ(without_namespaces(name),
                  cat("sysctl \"", name, "\" is not in a separate kernel namespace"));
}

TEST(Sysctls, HaveAKeyAndOneLine) {
    EXPECT_EQ(
        with_sysctl("net/../kernel/hostname", "x"),
        "config.json: /linux/sysctl/net~1..~1kernel~1hostname: sysctl \"net/../kernel/hostname\" is not a "
        "key of sysctl(8)");
    EXPECT_EQ(
        with_sysctl("net.core.somaxconn", "1\nkernel.core_pattern=x"),
        "config.json: /linux/sysctl/net.core.somaxconn: \"1\\x0akernel.core_pattern=x\": the value must be a "
        "single line");
    EXPECT_EQ(with_sysctl("net.core.somaxconn", "1\n").substr(0, 13), "config.json: ");
    EXPECT_EQ(with_sysctl("net.core.somaxconn", ""),
              "config.json: /linux/sysctl/net.core.somaxconn: the value must not be empty");
}

TEST(Sysctls, AreGivenOnce) {
    auto tree = nlohmann::json::parse(default_document());
    tree["linux"]["sysctl"] = {{"net.core.somaxconn", "1"}, {"net/core/somaxconn", "2"}};
    EXPECT_TRUE(verdict(tree.dump()).ends_with("sysctl \"net/core/somaxconn\" is given twice"));
    tree["linux"]["sysctl"] = {{"kernel.domainname", "a"}};
    tree["domainname"] = "b";
    EXPECT_TRUE(verdict(tree.dump()).ends_with("conflicts with the OCI \"domainname\" field"));
    tree["domainname"] = "a";
    EXPECT_EQ(verdict(tree.dump()), "fine");
}

TEST(Validate, warns_of_personality_flags) {
    const auto valid =
        validate(*parse(with("/linux/personality", R"({"domain":"LINUX32","flags":["A","B\n"]})")));
    ASSERT_TRUE(valid) << valid.error().text;
    EXPECT_EQ(
        valid->warnings(),
        (std::vector<std::string>{"config.json: /linux/personality/flags: ignoring unsupported personality "
                                  "flags: [A B\\x0a]"}));
    EXPECT_TRUE(validate(*parse(with("/linux/personality", R"({"domain":"LINUX"})")))->warnings().empty());
}

}  // namespace
}  // namespace bulkhead::spec::test
