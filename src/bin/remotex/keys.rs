//! `remotex keys init`: what the two ends of `tls://` and `https://` know each other by.
//!
//! An authority is made for one server, signs one certificate for it and one for its clients, and its key
//! is forgotten: nobody can sign a third.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use remotex::discovery;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::args::Keys;
use crate::failure::Failure;
use crate::output::{self, NAME, say};

/// By which name the ends of `tls://` know a server, whatever its host is called.
const ANY_HOST: &str = "remotex";

/// What every certificate of a server is for.
const HERE: [&str; 6] = [ANY_HOST, "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"];

/// Clocks differ.
const EARLIER: Duration = Duration::minutes(10);

pub(crate) fn run(keys: &Keys) -> Result<(), Failure> {
    let name = &keys.name;
    let folder = discovery::keys(name)?;
    let ends = ["server.pem", "client.pem"].map(|end| folder.join(end));
    if !keys.renew
        && let Some(there) = ends.iter().find(|end| end.exists())
    {
        return Err(Failure::Use(format!(
            "`{}` is there already; with `--renew` new ones take the place of the old, and every client needs the new `client.pem`",
            there.display()
        )));
    }
    let made = make(keys).map_err(io::Error::other)?;
    write(&ends, &made)?;
    let [server, client] = ends;
    let token = folder.join("token");
    if keys.format.json {
        return output::say_json(&json!({ "server": server, "client": client, "token": token }));
    }
    tell(keys, &server, &client, &token)
}

fn tell(keys: &Keys, server: &Path, client: &Path, token: &Path) -> Result<(), Failure> {
    let Keys { name, days, .. } = keys;
    let [server, client, token] = [server, client, token].map(Path::display);
    say(format_args!(
        "{NAME}{server}{NAME:#}\n    stays where the server `{name}` runs"
    ))?;
    say(format_args!(
        "{NAME}{client}{NAME:#}\n    goes to the same place on each machine with clients, for `tls://` and `https://`"
    ))?;
    say(format_args!(
        "{NAME}{token}{NAME:#}\n    goes there too, for `http://` and `https://`"
    ))?;
    say(format_args!(
        "Who has one of them is let in. The keys are good for {days} days; then come back with `--renew`."
    ))?;
    if keys.renew {
        return say(format_args!(
            "A server that runs goes on with its old keys until it is restarted."
        ));
    }
    Ok(())
}

/// The files of the server and of its clients: certificate, authority, key.
fn make(keys: &Keys) -> Result<[String; 2], rcgen::Error> {
    let now = OffsetDateTime::now_utc();
    let params = |hosts: &[String], what: &str| {
        let mut params = CertificateParams::new(hosts)?;
        let title = format!("remotex {what} of {}", keys.name);
        params.distinguished_name.push(DnType::CommonName, title);
        params.not_before = now - EARLIER;
        params.not_after = now + Duration::days(keys.days.into());
        Ok::<_, rcgen::Error>(params)
    };
    let mut authority = params(&[], "authority")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages.push(KeyUsagePurpose::KeyCertSign);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let end = |hosts: &[String], what: &str, usage| {
        let key = KeyPair::generate()?;
        let mut params = params(hosts, what)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
        params.insert_extended_key_usage(usage);
        let certificate = params.signed_by(&key, &authority)?;
        let parts = [certificate.pem(), authority.pem(), key.serialize_pem()];
        Ok::<_, rcgen::Error>(parts.concat())
    };
    let mut hosts: Vec<_> = HERE.map(str::to_owned).into();
    hosts.extend(keys.hosts.iter().cloned());
    Ok([
        end(&hosts, "server", ExtendedKeyUsagePurpose::ServerAuth)?,
        end(&[], "client", ExtendedKeyUsagePurpose::ClientAuth)?,
    ])
}

/// Writes files that only their owner can read. Each is whole as soon as it is there, and where one of
/// them cannot be written, none is.
fn write(paths: &[PathBuf], texts: &[String]) -> io::Result<()> {
    let new: Vec<_> = paths
        .iter()
        .map(|path| path.with_extension("pem.new"))
        .collect();
    let written = new
        .iter()
        .zip(texts)
        .try_for_each(|(new, text)| write_new(new, text));
    if written.is_err() {
        for new in &new {
            // A file that could not be made is not there.
            let _ = fs::remove_file(new);
        }
    }
    written?;
    new.iter()
        .zip(paths)
        .try_for_each(|(new, path)| fs::rename(new, path))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    output::write_private(path, text)
}
