//! What remotex was first made for: a GPS track, loaded once and asked many times.
//!
//! ```sh
//! cargo run --example track -- load examples/track/walk.gpx
//! cargo run --example track -- nearest 46.0511 14.5011    # the point of the track that is nearest
//! cargo run --example track -- at 2020-05-01T10:04:00Z     # where it was then
//! cargo run --example track -- stop
//! ```

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, SystemTime};

use remotex::{Error, RwLock, Server, remote};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

static SERVER: Server = Server::new("track")
    .autostart()
    .idle_timeout(Duration::from_secs(3600));

/// The points in the order of the file.
static TRACK: RwLock<Vec<Point>> = RwLock::new(Vec::new());

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Point {
    lat: f64,
    lon: f64,
    /// Metres above the sea.
    elevation: Option<f64>,
    time: Option<SystemTime>,
}

/// Loads a GPX file in place of the one before, and says how many points it has.
#[remote(SERVER)]
fn load(path: &Path) -> anyhow::Result<usize> {
    let path = remotex::caller().path(path);
    let file = File::open(&path)
        .map_err(|e| anyhow::Error::new(e).context(format!("cannot open {}", path.display())))?;
    let gpx = gpx::read(BufReader::new(file))?;
    let segments = gpx.tracks.iter().flat_map(|track| &track.segments);
    let points: Vec<Point> = segments
        .flat_map(|segment| &segment.points)
        .map(Point::of)
        .collect();
    let count = points.len();
    *TRACK.write() = points;
    Ok(count)
}

/// The point of the track that is nearest to a place, and how far away that is, in metres.
#[remote(SERVER)]
fn nearest(lat: f64, lon: f64) -> remotex::Result<(Point, f64)> {
    let track = TRACK.read();
    let distances = track
        .iter()
        .map(|point| (*point, point.metres_to(lat, lon)));
    distances
        .min_by(|(_, a), (_, b)| a.total_cmp(b))
        .ok_or_else(|| "no track is loaded".into())
}

/// Where the track was at a time: between two of its points, in proportion.
#[remote(SERVER)]
fn at(when: SystemTime) -> remotex::Result<Point> {
    let mut timed: Vec<_> = TRACK
        .read()
        .iter()
        .filter_map(|point| Some((point.time?, *point)))
        .collect();
    timed.sort_by_key(|(time, _)| *time);
    let after = timed.partition_point(|(time, _)| *time < when);
    match (
        after.checked_sub(1).map(|before| timed[before]),
        timed.get(after),
    ) {
        (_, Some((time, point))) if *time == when => Ok(*point),
        (Some((from, a)), Some((to, b))) => Ok(a.towards(b, share(from, when, *to), when)),
        _ => Err("the track was not recorded at that time".into()),
    }
}

fn share(from: SystemTime, when: SystemTime, to: SystemTime) -> f64 {
    let seconds =
        |a: SystemTime, b: SystemTime| b.duration_since(a).unwrap_or_default().as_secs_f64();
    seconds(from, when) / seconds(from, to)
}

impl Point {
    fn of(waypoint: &gpx::Waypoint) -> Self {
        let time = waypoint
            .time
            .map(|time| SystemTime::from(OffsetDateTime::from(time)));
        Self {
            lat: waypoint.point().y(),
            lon: waypoint.point().x(),
            elevation: waypoint.elevation,
            time,
        }
    }

    /// The haversine formula, on a sphere of the Earth's mean radius.
    fn metres_to(&self, lat: f64, lon: f64) -> f64 {
        let (a, b) = (self.lat.to_radians(), lat.to_radians());
        let half = |x: f64| (x / 2.0).sin().powi(2);
        let h = half(b - a) + a.cos() * b.cos() * half((lon - self.lon).to_radians());
        2.0 * 6_371_000.0 * h.sqrt().asin()
    }

    fn towards(&self, other: &Self, share: f64, when: SystemTime) -> Self {
        let between = |a: f64, b: f64| a + (b - a) * share;
        Self {
            lat: between(self.lat, other.lat),
            lon: between(self.lon, other.lon),
            elevation: self
                .elevation
                .zip(other.elevation)
                .map(|(a, b)| between(a, b)),
            time: Some(when),
        }
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.6} {:.6}", self.lat, self.lon)?;
        if let Some(elevation) = self.elevation {
            write!(f, ", {elevation:.1} m")?;
        }
        match self
            .time
            .map(|time| OffsetDateTime::from(time).format(&Rfc3339))
        {
            Some(Ok(time)) => write!(f, ", {time}"),
            _ => Ok(()),
        }
    }
}

fn main() -> anyhow::Result<()> {
    remotex::init();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["load", path] => println!("{} points", load(Path::new(path))?),
        ["nearest", lat, lon] => {
            let (point, metres) = nearest(lat.parse()?, lon.parse()?)?;
            println!("{point}, {metres:.0} m away");
        }
        ["at", time] => println!("{}", at(OffsetDateTime::parse(time, &Rfc3339)?.into())?),
        ["stop"] => SERVER.stop()?,
        _ => {
            return Err(
                Error::failed("usage: track load FILE | nearest LAT LON | at TIME | stop").into(),
            );
        }
    }
    Ok(())
}
