import java.net.InetAddress;

class Lookup {
    public static void main(String[] arguments) throws Exception {
        for (InetAddress address : InetAddress.getAllByName(arguments[0])) {
            System.out.println(address.getHostAddress());
        }
    }
}
