fn main() -> remotex::Result<()> {
    library::SERVER.listen()
}
