//! What remotex was first made for: a GPS track, loaded once and asked many times. It stays in the
//! server, where each client has a reference to it.
//!
//! ```sh
//! cargo run -p remotex-examples --example track -- load examples/more/track/walk.gpx
//! cargo run -p remotex-examples --example track -- nearest 46.0511 14.5011    # the point of the track that is nearest
//! cargo run -p remotex-examples --example track -- at 2020-05-01T10:04:00Z     # where it was then
//! cargo run -p remotex-examples --example track -- append 46.0611 14.5111      # one more point
//! cargo run -p remotex-examples --example track -- stop
//! ```
#![allow(unreachable_pub)] // in a remote block, `pub` means remote

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use remotex::{Error, Mutex, Remote, Server, remote};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

static SERVER: Server = Server::new("track")
    .autostart()
    .idle_timeout(Duration::from_secs(3600));

/// The tracks that were loaded, the latest last, so that they outlive the clients who asked for it.
#[remote(SERVER)]
static TRACKS: Mutex<Vec<(PathBuf, Remote<Track>)>> = Mutex::new(Vec::new());

/// The points in the order of the file.
struct Track(Vec<Point>);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Point {
    lat: f64,
    lon: f64,
    /// Metres above the sea.
    elevation: Option<f64>,
    time: Option<SystemTime>,
}

#[remote(SERVER)]
impl Track {
    /// The track of a GPX file, which is read when somebody asks for it first.
    pub fn load(path: &Path) -> anyhow::Result<Remote<Track>> {
        let path = remotex::caller().path(path);
        let mut tracks = TRACKS.lock();
        let known = tracks.iter().position(|(of, _)| *of == path);
        let entry = match known {
            Some(at) => tracks.remove(at),
            None => (path.clone(), Remote::new(Track::read(&path)?)),
        };
        let track = entry.1.clone();
        tracks.push(entry);
        Ok(track)
    }

    /// The track that was asked for last.
    pub fn latest() -> remotex::Result<Remote<Track>> {
        let latest = TRACKS.lock().last().map(|(_, track)| track.clone());
        latest.ok_or_else(|| "no track is loaded".into())
    }

    /// How many points it has.
    pub fn points(&self) -> remotex::Result<usize> {
        Ok(self.0.len())
    }

    /// The point that is nearest to a place, and how far away that is, in metres.
    pub fn nearest(&self, lat: f64, lon: f64) -> remotex::Result<(Point, f64)> {
        let distances = self
            .0
            .iter()
            .map(|point| (*point, point.metres_to(lat, lon)));
        distances
            .min_by(|(_, a), (_, b)| a.total_cmp(b))
            .ok_or_else(|| "the track has no points".into())
    }

    /// Where the track was at a time: between two of its points, in proportion.
    pub fn at(&self, when: SystemTime) -> remotex::Result<Point> {
        let timed = self
            .0
            .iter()
            .filter_map(|point| Some((point.time?, *point)));
        let mut timed: Vec<_> = timed.collect();
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

    /// Adds a point at its end, and says how many there are.
    pub fn append(&mut self, point: Point) -> remotex::Result<usize> {
        self.0.push(point);
        Ok(self.0.len())
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).map_err(|e| {
            anyhow::Error::new(e).context(format!("cannot open {}", path.display()))
        })?;
        let gpx = gpx::read(BufReader::new(file))?;
        let segments = gpx.tracks.iter().flat_map(|track| &track.segments);
        let points = segments.flat_map(|segment| &segment.points);
        Ok(Self(points.map(Point::of).collect()))
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
        ["load", path] => println!("{} points", Track::load(Path::new(path))?.points()?),
        ["nearest", lat, lon] => {
            let (point, metres) = Track::latest()?.nearest(lat.parse()?, lon.parse()?)?;
            println!("{point}, {metres:.0} m away");
        }
        ["at", time] => {
            let when = OffsetDateTime::parse(time, &Rfc3339)?.into();
            println!("{}", Track::latest()?.at(when)?);
        }
        ["append", lat, lon] => {
            let (lat, lon) = (lat.parse()?, lon.parse()?);
            let (elevation, time) = (None, Some(SystemTime::now()));
            let point = Point {
                lat,
                lon,
                elevation,
                time,
            };
            println!("{} points", Track::latest()?.append(point)?);
        }
        ["stop"] => SERVER.stop()?,
        _ => {
            return Err(Error::failed(
                "usage: track load FILE | nearest LAT LON | at TIME | append LAT LON | stop",
            )
            .into());
        }
    }
    Ok(())
}
