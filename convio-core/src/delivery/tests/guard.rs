use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn codes(url: &str) -> Vec<String> {
    let reasons = Guard::new().judge(&TargetUrl::new(url)).err().unwrap_or_default();
    reasons.into_iter().map(|reason| reason.code).collect()
}

/// First and last addresses of what nothing is sent to, and of what lies beside it.
#[test]
fn each_network_is_refused_from_its_first_address_to_its_last() {
    let guard = Guard::new();
    for (first, last) in [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"),
        ("168.63.129.16", "168.63.129.16"),
        ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ] {
        for address in [first, last] {
            assert!(guard.check_address(address.parse().unwrap()).is_err(), "{address}");
        }
    }
    for address in [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "168.63.129.15",
        "168.63.129.17",
        "2000::",
        "2001:200::",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::",
        "2606:4700::6810:1",
        "3ffe:ffff::",
        "3fff:1000::",
    ] {
        assert_eq!(guard.check_address(address.parse().unwrap()), Ok(()), "{address}");
    }
}

#[test]
fn an_address_is_refused_as_what_it_is() {
    for (address, kind) in [
        ("::1", "a loopback address"),
        ("::", "an unspecified address"),
        ("::ffff:127.0.0.1", "an IPv4 address in an IPv6 one"),
        ("::127.0.0.1", "an IPv4 address in an IPv6 one"),
        ("64:ff9b::7f00:1", "an IPv4 address behind NAT64"),
        ("64:ff9b:1::a00:1", "an IPv4 address behind NAT64"),
        ("2002:7f00:1::", "an IPv4 address behind 6to4"),
        ("2001:0:7f00:1::", "an IPv4 address behind Teredo"),
        ("2606:4700::5efe:7f00:1", "an IPv4 address in an ISATAP one"),
        ("2606:4700::200:5efe:7f00:1", "an IPv4 address in an ISATAP one"),
        ("fd00:ec2::254", "a private address"),
        ("fe80::1", "a link-local address"),
        ("fec0::1", "a site-local address"),
        ("ff02::1", "a multicast address"),
        ("5f00::1", "no global address"),
        ("255.255.255.255", "the broadcast address"),
    ] {
        let refused = Guard::new().check_address(address.parse().unwrap()).unwrap_err();
        assert_eq!(refused.kind, kind, "{address}");
        assert_eq!(SendError::from(refused), SendError::Refused);
    }
}

#[test]
fn what_is_allowed_is_allowed_and_nothing_beside_it() {
    let guard = Guard::new().allow_network("64:ff9b::/96".parse().unwrap());
    assert!(guard.check_address("64:ff9b::5db8:d822".parse().unwrap()).is_ok());
    assert!(guard.check_address("64:ff9b::7f00:1".parse().unwrap()).is_err(), "what it wraps is judged");
    let both = guard.clone().allow_network("127.0.0.1/32".parse().unwrap());
    assert!(both.check_address("64:ff9b::7f00:1".parse().unwrap()).is_ok());
    assert!(both.check_address("64:ff9b::7f00:2".parse().unwrap()).is_err());
    let all = Guard::new().allow_network("0.0.0.0/0".parse().unwrap());
    assert!(all.check_address("10.0.0.1".parse().unwrap()).is_ok());
    assert!(all.check_address("fe80::1".parse().unwrap()).is_err());
    assert!(all.check_address("::ffff:10.0.0.1".parse().unwrap()).is_err());

    let named = Guard::new().allow_host("Bücher.intern.").allow_host("printer");
    assert!(named.judge(&"https://bücher.intern/".into()).is_ok());
    assert!(named.judge(&"https://PRINTER./".into()).is_ok());
    assert!(named.judge(&"https://a.printer/".into()).is_ok(), "a name with a full stop may be public");
    assert!(named.judge(&"https://scanner/".into()).is_err());

    let http = Guard::new().allow_http().allow_port(9_999);
    assert!(http.judge(&"http://hooks.example.com:8080/".into()).is_ok());
    assert!(http.judge(&"https://hooks.example.com:9999/".into()).is_ok());
    assert!(http.judge(&"ftp://hooks.example.com/".into()).is_err());
    assert!(Guard::new().judge(&"https://hooks.example.com:80/".into()).is_err());
}

#[test]
fn every_spelling_of_a_local_host_is_refused() {
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0X7F.1",
        "0177.0.0.1",
        "017700000001",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "0",
        "0.0.0.0",
        "0x0",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "0251.0376.0251.0376",
        "10.1",
        "192.168.257",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[0000::0001]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
    ] {
        assert_eq!(codes(&format!("https://{host}/")), ["host"], "{host}");
    }
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "ｌｏｃａｌｈｏｓｔ",
        "a.localhost",
        "printer",
        "printer.local",
        "db.internal",
        "metadata.google.internal",
        "x.home.arpa",
        "router.lan",
        "wiki.corp",
        "a.intranet",
        "a.test",
        "a.example",
        "1.0.0.127.in-addr.arpa",
        "a..example.com",
        "x.onion",
    ] {
        assert_eq!(codes(&format!("https://{host}/")), ["host"], "{host}");
    }
}

#[test]
fn what_is_no_url_of_a_host_is_refused() {
    assert_eq!(codes(""), ["missing"]);
    assert_eq!(codes(&format!("https://hooks.example.com/{}", "a".repeat(URL_BYTES_MAX))), ["too_long"]);
    for url in [
        "hooks.example.com",
        "https:///",
        "https://",
        "https://[::1",
        "https://[fe80::1%25eth0]/",
        "https://256.1.1.1/",
        "https://1.2.3.4.5/",
        "https://hooks.example.com:99999/",
        "https://hooks.exa mple.com/",
        " https://hooks.example.com",
        "https://hooks.example.com/\n",
        "https:\\\\hooks.example.com\\",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks\u{200b}.\u{a0}example.com",
        "mailto:ann@example.com",
        "data:,x",
        "/in",
        "https://a%00b.com/",
    ] {
        assert_eq!(codes(url), ["invalid"], "{url}");
    }
    assert_eq!(codes("file:///etc/passwd"), ["invalid"]);
    assert_eq!(codes("gopher://hooks.example.com:443/"), ["scheme"]);
    assert_eq!(codes("https://127.0.0.1@hooks.example.com/"), ["userinfo"]);
    assert_eq!(codes("https://:pw@hooks.example.com/"), ["userinfo"]);
    assert_eq!(codes("https://hooks.example.com@127.0.0.1/"), ["userinfo", "host"]);
    assert_eq!(codes("https://hooks.example.com/#a"), ["fragment"]);
    assert_eq!(codes("https://hooks.example.com:22/"), ["port"]);
    assert_eq!(codes("https://hooks.example.com:0/"), ["port"]);
}

#[test]
fn a_url_is_sent_to_as_its_parser_reads_it() {
    let judged = |url: &str| Guard::new().judge(&url.into()).unwrap().expose().to_owned();
    assert_eq!(judged("HTTPS://Hooks.Example.COM:443/a/../in?k=v"), "https://hooks.example.com/in?k=v");
    assert_eq!(judged("https:hooks.example.com"), "https://hooks.example.com/");
    assert_eq!(judged("https://bücher.example.com/ü"), "https://xn--bcher-kva.example.com/%C3%BC");
    assert_eq!(judged("https://93.184.216.34/"), "https://93.184.216.34/");
    assert_eq!(judged("https://[2606:4700:0::1]:8443/"), "https://[2606:4700::1]:8443/");
}

#[test]
fn nothing_behind_the_host_is_told() {
    let url = TargetUrl::new("http://me:pAss@hooks.internal/s3cret?k=s3cret#s3cret");
    let told = format!("{url:?} {:?}", Guard::new().judge(&url).unwrap_err());
    assert!(!told.contains("s3cret") && !told.contains("pAss"), "{told}");
}

#[test]
fn networks_are_read_strictly() {
    for text in [
        "10.0.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "10.0.0.1/8",
        "::/129",
        "::1/127",
        "a/8",
        "/8",
        "10/8",
    ] {
        assert_eq!(text.parse::<Cidr>(), Err(CidrError), "{text}");
    }
    for text in ["0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32", "::/0", "fd00::/8", "::1/128"] {
        assert_eq!(text.parse::<Cidr>().unwrap().to_string(), text);
    }
}

/// Spellings of an IPv4 address that parsers of URLs take.
fn spelt(address: Ipv4Addr, kind: usize) -> String {
    let number = u32::from(address);
    let [a, b, c, d] = address.octets();
    match kind {
        0 => format!("{address}"),
        1 => format!("{number}"),
        2 => format!("0x{number:X}"),
        3 => format!("0{number:o}"),
        4 => format!("{a}.{}", number & 0xff_ffff),
        5 => format!("{a}.0x{b:x}.{}", number & 0xffff),
        6 => format!("0{a:o}.{b}.0{c:o}.0x{d:x}"),
        7 => format!("[::ffff:{address}]"),
        8 => format!("[64:ff9b::{address}]"),
        9 => format!("[::ffff:{:x}:{:x}]", number >> 16, number & 0xffff),
        _ => format!("{address}").chars().map(|c| if c == '.' { '。' } else { full_width(c) }).collect(),
    }
}

fn full_width(digit: char) -> char {
    char::from_u32(u32::from(digit) - u32::from('0') + 0xff10).unwrap()
}

proptest! {
    #[test]
    fn a_private_address_is_refused_in_every_spelling(network in 0_usize..8, rest in any::<u32>(), kind in 0_usize..11) {
        let (base, bits) = [
            (0x7f00_0000, 8), (0x0a00_0000, 8), (0xac10_0000, 12), (0xc0a8_0000, 16), (0xa9fe_0000, 16), (0x6440_0000, 10),
            (0, 8), (0xe000_0000, 3),
        ][network];
        let address = Ipv4Addr::from(base | rest >> bits);
        let url = format!("https://{}/", spelt(address, kind));
        prop_assert_eq!(codes(&url), vec!["host".to_owned()], "{}", url);
    }

    #[test]
    fn what_the_standard_library_calls_private_is_refused(v4 in any::<u32>(), v6 in any::<u128>(), near in 0_u32..4) {
        // Three of four are in or beside a network that is refused.
        let v4 = if near == 0 { v4 } else { [0, 0x7f00_0000, 0x0a00_0000, 0xa9fe_0000][near as usize] | v4 >> 9 };
        let v4 = Ipv4Addr::from(v4);
        let is_private = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast()
            || v4.is_documentation() || v4.is_unspecified();
        prop_assert!(!is_private || Guard::new().check_address(v4.into()).is_err());
        let v6 = Ipv6Addr::from(v6);
        let is_private = v6.is_loopback() || v6.is_multicast() || v6.is_unique_local() || v6.is_unicast_link_local();
        prop_assert!(!is_private || Guard::new().check_address(v6.into()).is_err());
        let mapped = IpAddr::V6(v4.to_ipv6_mapped());
        prop_assert!(Guard::new().check_address(mapped).is_err());
    }

    #[test]
    fn no_text_is_a_reason_to_panic_and_what_is_judged_once_is_judged_so_again(text in "(https?://)?\\PC{0,40}") {
        let guard = Guard::new().allow_http();
        if let Ok(url) = guard.judge(&TargetUrl::new(text)) {
            prop_assert_eq!(guard.judge(&url), Ok(url));
        }
    }
}
