//! Writes records and acknowledges each: `bad_machine_writer FOLDER KEEPS`. What it keeps is
//! `all`; `bytes`, without syncing the folder that the file's name is in; or `nothing`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Records of no even number of sectors.
const RECORD: [u8; 700] = [b'r'; 700];
const RECORDS: usize = 20;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_default();
    let keeps = arguments.next().unwrap_or_default();
    let mut file = File::create(Path::new(&folder).join("records"))?;
    if keeps == "all" {
        File::open(folder)?.sync_all()?;
    }
    for _ in 0..RECORDS {
        file.write_all(&RECORD)?;
        if keeps != "nothing" {
            file.sync_data()?;
        }
        println!("acknowledged");
    }
    // Stays until it is killed, or whoever started it has gone.
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
