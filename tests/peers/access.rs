//! What `unbroken` needs to read at each server: answers and transfers that are authenticated by TSIG.

use std::net::Ipv4Addr;

use anyhow::{Result, ensure};

use crate::isolation;
use crate::process::tool;
use crate::servers::Kind::{Bind, Knot, PowerDns};
use crate::servers::Provider;
use crate::servers::registry::Registry;
use crate::settings::Settings;
use crate::zone::{PARENT, REGISTRY, ZONE};

/// Every server answers a signed query with a signature, gives the zone to the key, and to nobody else.
pub(crate) fn with_key_only() -> Result<()> {
    let settings = Settings::new(&isolation::directory()?)?;
    for kind in [Knot, Bind] {
        let settings = Settings::new(&settings.subdir(&format!("registry-{}", kind.label()))?)?;
        let registry = Registry::start(&settings, kind, Bind.name_server(), &[])?;
        expect_access(&settings, REGISTRY, PARENT)?;
        drop(registry);
    }
    for kind in [Bind, Knot, PowerDns] {
        let mut server: Box<dyn Provider> = kind.start(&settings, false, false)?;
        expect_access(&settings, kind.address(), ZONE)?;
        server.stop();
    }
    Ok(())
}

fn expect_access(settings: &Settings, server: Ipv4Addr, zone: &str) -> Result<()> {
    let (at, key) = (format!("@{server}"), settings.key_file().display().to_string());
    let dig = |args: &[&str]| tool(settings.dir(), "dig", &[&[at.as_str(), zone], args].concat(), "");

    let answer = dig(&["DNSKEY", "+norecurse", "-k", &key])?;
    let signed = answer.contains("TSIG PSEUDOSECTION") && !answer.contains("WARNING");
    ensure!(
        signed && answer.contains("status: NOERROR"),
        "a signed query to {server}:\n{answer}"
    );

    let transfer = dig(&["AXFR", "-k", &key])?;
    let whole = transfer.matches("\tSOA\t").count() == 2 && transfer.contains("\tRRSIG\t");
    ensure!(
        whole && !transfer.contains("WARNING"),
        "a transfer from {server}:\n{transfer}"
    );

    let stolen = dig(&["AXFR"])?;
    ensure!(
        stolen.contains("Transfer failed"),
        "{server} gives the zone to anybody:\n{stolen}"
    );
    Ok(())
}
